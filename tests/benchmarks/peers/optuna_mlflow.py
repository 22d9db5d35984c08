"""Optuna in one process per core, all on one study in SQLite, and MLflow's client in each, on one SQLite as well.

A trial's metrics go to MLflow in one request per report, though a call per metric is the usual way.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory

import optuna
import torch
from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

from tests.benchmarks.peers.contest import Timing, check_recorded, contest
from tests.benchmarks.peers.moments import START_SECONDS, side_by_side
from tests.benchmarks.peers.serial import tensors, train
from tests.benchmarks.workloads import CORES, LEARNING_RATES, Workload

STUDY = "bench"
LOCK_SECONDS = 60
"""For which a process waits while another one writes to SQLite."""

WARM_UP = 2
"""Trials of each process before the clock starts: much is imported and opened by the first."""


def storage(folder: Path) -> optuna.storages.RDBStorage:
    """Optuna's, in SQLite."""
    patient = {"connect_args": {"timeout": LOCK_SECONDS}}
    return optuna.storages.RDBStorage(f"sqlite:///{folder / 'optuna.db'}", engine_kwargs=patient)


def client(folder: Path) -> MlflowClient:
    """MLflow's, in SQLite."""
    return MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")


def work(folder: Path, workload: Workload, experiment: str, trials: int, together: Barrier) -> None:
    """What each process does."""
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    data, tracking = tensors(workload.name), client(folder)
    study = optuna.load_study(study_name=STUDY, storage=storage(folder))

    def objective(trial: optuna.Trial) -> float:
        rate = trial.suggest_float("learning_rate", *LEARNING_RATES, log=True)
        page = tracking.create_run(experiment).info.run_id
        tracking.log_batch(page, params=[Param("learning_rate", str(rate)), Param("epochs", str(workload.epochs))])

        def heard(epoch: int, metrics: Mapping[str, float]) -> None:
            now = int(time.time() * 1000)
            tracking.log_batch(page, [Metric(name, value, now, epoch) for name, value in metrics.items()])
            trial.report(metrics["validation.error"], epoch)

        error = train(workload, data, rate, heard)
        tracking.set_terminated(page)
        return error

    study.optimize(objective, n_trials=WARM_UP)
    together.wait(START_SECONDS)
    study.optimize(objective, n_trials=trials)
    together.wait()  # the time of a process that has ended cannot be read


def run(workload: Workload, trials: int) -> Timing:
    """The clock runs while both processes are at work."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        study = optuna.create_study(study_name=STUDY, storage=storage(folder))
        experiment = client(folder).create_experiment(STUDY, artifact_location=str(folder / "artifacts"))
        context = get_context("spawn")
        together = context.Barrier(CORES + 1)
        arguments = (folder, workload, experiment, trials // CORES, together)
        processes = [context.Process(target=work, args=arguments) for _ in range(CORES)]
        spent = side_by_side(processes, together)
        done = len(study.get_trials(states=[optuna.trial.TrialState.COMPLETE]))
        expected = trials + CORES * WARM_UP
        if done != expected:
            raise RuntimeError(f"Optuna must hold {expected} completed trials, but holds {done}")
        check_recorded(folder / "mlflow.db", expected)
        return Timing(CORES, trials, *spent, None if workload.empty else study.best_value)


if __name__ == "__main__":
    contest(run, "optuna_mlflow")
