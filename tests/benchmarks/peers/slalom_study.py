"""A study as anyone runs it: `slalom.run` on a fresh home, two Ray lanes, everything in Optuna and MLflow on SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import slalom
from slalom.lanes.base import Demand, Lanes, News
from slalom.study.model import StudySpec
from slalom.wire.trial import Turn
from slalom.wiring import ray_lanes
from tests.benchmarks.peers.contest import Timing, check_recorded, contest
from tests.benchmarks.peers.moments import Moment, now
from tests.benchmarks.workloads import CORES, Workload


@dataclass
class Timed:
    """Ray's lanes; the clock runs from when they are open, and Ray is stopped after it."""

    lanes: Lanes
    began: Moment

    @property
    def names(self) -> Sequence[str]:
        return self.lanes.names

    def size(self, demand: Demand) -> Sequence[int]:
        return self.lanes.size(demand)

    def release(self, lane: int) -> None:
        self.lanes.release(lane)

    def send(self, lane: int, turn: Turn) -> None:
        self.lanes.send(lane, turn)

    def collect(self, timeout: float) -> Sequence[tuple[int, News]]:
        return self.lanes.collect(timeout)

    def close(self) -> None:
        pass


def run(workload: Workload, _: int) -> Timing:
    """The whole study: tuning, confirm, verdict, and the best confirm trial of each arm trained again for its model."""
    crews: list[Timed] = []

    def lend(spec: StudySpec) -> Timed:
        crews.append(Timed(ray_lanes(spec), now()))
        return crews[0]

    with TemporaryDirectory() as home:
        result = slalom.run(workload.study(), home, lanes=lend)
        spent = now().since(crews[0].began)
        crews[0].lanes.close()
        if len(result.ended) != workload.arms.trials:
            raise RuntimeError(f"Optuna must hold {workload.arms.trials} trials, but holds {len(result.ended)}")
        check_recorded(Path(home) / "mlflow.db", workload.arms.trials)
    best = min(arm.tuning.best for arm in result.arms if arm.tuning.best is not None)
    reached = result.summary.throughput.slot_utilisation
    return Timing(CORES, workload.arms.trials, *spent, None if workload.empty else best, reached)


if __name__ == "__main__":
    contest(run, "slalom")
