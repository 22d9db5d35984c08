"""A study as anyone runs it: `slalom.run` on a fresh home, two Ray lanes, everything in Optuna and MLflow on SQLite."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import slalom
from slalom.lanes.base import LaneOpened, News
from slalom.study.model import StudySpec
from slalom.wire.trial import Reply
from tests.benchmarks.lent import Lent
from tests.benchmarks.peers.contest import Timing, check_recorded, contest
from tests.benchmarks.peers.moments import Moment, now
from tests.benchmarks.workloads import CORES, Workload


class Timed(Lent):
    """Its clock runs from when Ray is up; Ray is stopped by `stop`, after it.

    opened, trained: when the last of the first lanes opened, and when the last trial was over
    """

    def __init__(self, spec: StudySpec) -> None:
        super().__init__(spec)
        self.began: Moment = now()
        self.opened = self.trained = 0.0

    def collect(self, timeout: float) -> Sequence[tuple[int, News]]:
        heard = super().collect(timeout)
        for _, news in heard:
            if isinstance(news, LaneOpened) and not self.trained:
                self.opened = time.perf_counter()
            elif isinstance(news, Reply) and news.results:
                self.trained = time.perf_counter()
        return heard

    def close(self) -> None:
        """Leave Ray as it is, since its end is in nobody's time."""

    def stop(self) -> None:
        super().close()


def run(workload: Workload, _: int) -> Timing:
    """The whole study: tuning, confirm, verdict, and the best confirm trial of each arm trained again for its model."""
    crews: list[Timed] = []

    def lend(spec: StudySpec) -> Timed:
        crews.append(Timed(spec))
        return crews[0]

    with TemporaryDirectory() as home:
        result = slalom.run(workload.study(), home, lanes=lend)
        spent = now().since(crews[0].began)
        crews[0].stop()
        if len(result.ended) != workload.arms.trials:
            raise RuntimeError(f"Optuna must hold {workload.arms.trials} trials, but holds {len(result.ended)}")
        check_recorded(Path(home) / "mlflow.db", workload.arms.trials)
    best = min(arm.tuning.best for arm in result.arms if arm.tuning.best is not None)
    reached = result.summary.throughput.slot_utilisation
    trained = crews[0].trained - crews[0].opened
    return Timing(CORES, workload.arms.trials, *spent, None if workload.empty else best, reached, trained)


if __name__ == "__main__":
    contest(run, "slalom")
