"""Ray Tune with OptunaSearch, which keeps its study in memory, and MLflowLoggerCallback on SQLite.

Tune gets its best case: actors are reused, its own CSV, JSON and TensorBoard files are switched off, and its first
trials, in which the actors import torch and load the data, are not counted.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ray
import torch
from optuna.distributions import BaseDistribution, FloatDistribution
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.search.optuna import OptunaSearch

from tests.benchmarks.peers.contest import Timing, check_recorded, contest
from tests.benchmarks.peers.moments import Moment, now
from tests.benchmarks.peers.serial import tensors, train
from tests.benchmarks.workloads import CORES, LEARNING_RATES, Workload

METRIC = "validation.error"
WARM_UP = 4
"""Trials before the clock starts: two of each actor."""


class Ends(tune.Callback):
    """When each trial was over and recorded; comes after MLflow's callback."""

    def __init__(self) -> None:
        self.moments: list[Moment] = []

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        self.moments.append(now())


def run(workload: Workload, trials: int, *, reuse: bool = True) -> Timing:
    """Two actors at a time on two CPUs.

    reuse: of actors; without it their CPU time cannot be told, since it ends with them
    """
    ray.init(num_cpus=CORES, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)

    def trainable(config: dict[str, float]) -> None:
        torch.set_num_threads(1)
        data = tensors(workload.name)  # an actor that is reused has them
        train(workload, data, config["learning_rate"], lambda _, metrics: tune.report(dict(metrics)))

    with TemporaryDirectory() as temporary:
        folder, ends = Path(temporary), Ends()
        space: dict[str, BaseDistribution] = {"learning_rate": FloatDistribution(*LEARNING_RATES, log=True)}
        recorder = MLflowLoggerCallback(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}", experiment_name="bench")
        results = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                search_alg=OptunaSearch(space, metric=METRIC, mode="min"),
                num_samples=trials,
                max_concurrent_trials=CORES,
                reuse_actors=reuse,
            ),
            run_config=tune.RunConfig(storage_path=temporary, callbacks=[recorder, ends], verbose=0),
        ).fit()
        check_recorded(folder / "mlflow.db", trials)
        counted = ends.moments[WARM_UP - 1 :]
        reached = None if workload.empty else results.get_best_result(METRIC, "min").metrics
        best = None if reached is None else reached[METRIC]
        spent = counted[-1].since(counted[0])
        return Timing(CORES, len(counted) - 1, spent.seconds, spent.cpu_seconds if reuse else None, best)


if __name__ == "__main__":
    os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
    contest(run, "ray_tune")
