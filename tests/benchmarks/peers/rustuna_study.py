"""Rustuna, Optuna's remake in Rust, in one process per core, all on one study in SQLite; nothing goes to MLflow."""

from __future__ import annotations

from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory

import rustuna

from tests.benchmarks.peers.contest import Timing, contest
from tests.benchmarks.peers.moments import START_SECONDS, side_by_side
from tests.benchmarks.peers.optuna_mlflow import STUDY, WARM_UP
from tests.benchmarks.workloads import CORES, LEARNING_RATES, Workload


def storage(folder: Path) -> rustuna.storages.SQLite3Storage:
    """Rustuna's, in SQLite."""
    return rustuna.storages.SQLite3Storage(str(folder / "rustuna.db"))


def objective(trial: rustuna.Trial) -> float:
    """Empty: the number that was suggested."""
    return trial.suggest_float("learning_rate", *LEARNING_RATES, log=True)


def work(folder: Path, trials: int, together: Barrier) -> None:
    """What each process does."""
    study = rustuna.load_study(study_name=STUDY, storage=storage(folder))
    study.optimize(objective, n_trials=WARM_UP)
    together.wait(START_SECONDS)
    study.optimize(objective, n_trials=trials)
    together.wait()  # the time of a process that has ended cannot be read


def run(workload: Workload, trials: int) -> Timing:
    """The clock runs while both processes are at work."""
    if not workload.empty:
        raise ValueError(f"{workload.name} trains a net, and only the empty objective is compared")
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        study = rustuna.create_study(study_name=STUDY, storage=storage(folder))
        context = get_context("spawn")
        together = context.Barrier(CORES + 1)
        processes = [context.Process(target=work, args=(folder, trials // CORES, together)) for _ in range(CORES)]
        spent = side_by_side(processes, together)
        done, expected = len(study.trials), trials + CORES * WARM_UP
        if done != expected:
            raise RuntimeError(f"Rustuna must hold {expected} trials, but holds {done}")
        return Timing(CORES, trials, *spent)


if __name__ == "__main__":
    contest(run, "rustuna")
