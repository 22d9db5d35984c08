"""The work that the contestants share: what is trained, for how long, and how many trials each contestant is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import slalom
from slalom.study.model import StudySpec
from slalom_worker.tasks import Data, open_task

CORES = 2
"""Lanes, Optuna's processes and Tune's actors."""

LEARNING_RATES = (1e-3, 1e-1)
"""Searched on a logarithmic scale, by everyone."""


class Arms(NamedTuple):
    """The form of Slalom's study: so many arms, each searched `searches` times, each search on a split of its own.

    Every arm has its own constant beta1, which changes no trial's work.
    """

    arms: int
    searches: int
    tune: int
    confirm: int

    @property
    def trials(self) -> int:
        """Of the whole study."""
        return self.arms * self.searches * (self.tune + self.confirm)


@dataclass(frozen=True)
class Workload:
    """A net with one hidden layer of tanh units, or LeNet-5, trained by Adam.

    hidden: units of the hidden layer; None for LeNet-5 as it is built today
    batch_size: None for all examples at once
    report_every: epochs between two reports of validation metrics, by everyone
    arms: of Slalom's study
    trials: by peer; a peer that is not named does not take part
    width: slots of the packs that are compared without recording
    pruner: of Slalom's study
    empty: whether a peer's objective returns a number at once
    """

    name: str
    title: str
    task: Mapping[str, Any]
    hidden: int | None
    batch_size: int | None
    epochs: int
    report_every: int
    arms: Arms
    trials: Mapping[str, int]
    width: int = 64
    pruner: str = "none"
    empty: bool = False

    @property
    def model(self) -> dict[str, Any]:
        """As a study says it."""
        if self.hidden is None:
            return {"name": "lenet5_modern"}
        return {"name": "mlp", "hidden": [self.hidden], "activation": "tanh"}

    def data(self) -> Data:
        """The three splits that Slalom's peers train on, and are measured on."""
        return open_task(self.task, Path()).load()

    def study(self) -> StudySpec:
        """The study that Slalom runs; its `work` is the key of every pack."""
        betas = np.linspace(0.8, 0.95, self.arms.arms).round(3).tolist()
        return slalom.Study(
            name=f"bench-{self.name}",
            question="Which decay of Adam's first moment is best?",
            task=dict(self.task),
            model=self.model,
            training={
                "epochs": self.epochs,
                "batch_size": self.batch_size or "all",
                "report_every": self.report_every,
                "optimizer": "adam",
            },
            search={"learning_rate": {"log": list(LEARNING_RATES)}},
            arms={f"beta1-{beta}": {"beta1": beta} for beta in betas},
            tune={
                "trials": self.arms.tune,
                "searches": self.arms.searches,
                "pick": "none",
                "pruner": self.pruner,
            },
            confirm={"seeds": self.arms.confirm},
            compare={"baseline": f"beta1-{betas[0]}"},
            resources={"lanes": CORES},
        )

    def quick(self) -> Workload:
        """The same with few trials: shows that everything runs, not how fast."""
        few = dict.fromkeys(("optuna_mlflow", "rustuna", "ray_tune", "ray_tune_defaults"), 6)
        few |= {"serial": 2, "serial_pinned": 2, "static": 32, "refilled": 32}
        return replace(
            self,
            epochs=-(-self.epochs // 4),
            report_every=-(-self.report_every // 4),
            arms=Arms(2, 2, 2, 2),
            trials={name: few[name] for name in self.trials},
            width=8,
        )


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(
            "nothing",
            "an empty objective; Slalom's is one step of a 2-1-2 net on two examples",
            {"name": "mixture", "n": 2},
            hidden=1,
            batch_size=None,
            epochs=1,
            report_every=1,
            arms=Arms(8, 10, 12, 2),
            trials={"optuna_mlflow": 120, "rustuna": 400, "ray_tune": 64, "ray_tune_defaults": 24},
            empty=True,
        ),
        Workload(
            "mixture",
            "2-10-2, 200 examples, batch 32, 286 epochs: 2,002 steps",
            {"name": "mixture"},
            hidden=10,
            batch_size=32,
            epochs=286,
            report_every=29,
            arms=Arms(8, 10, 45, 2),
            trials={
                "optuna_mlflow": 28,
                "ray_tune": 24,
                "ray_tune_defaults": 14,
                "serial": 20,
                "serial_pinned": 20,
                "static": 256,
                "refilled": 256,
            },
        ),
        Workload(
            "digits",
            "64-32-10, 1,078 examples, batch 32, 40 epochs: 1,360 steps",
            {"name": "digits"},
            hidden=32,
            batch_size=32,
            epochs=40,
            report_every=4,
            arms=Arms(8, 10, 45, 2),
            trials={
                "optuna_mlflow": 28,
                "ray_tune": 24,
                "serial": 24,
                "serial_pinned": 24,
                "static": 128,
                "refilled": 128,
            },
        ),
        Workload(
            "fashion",
            "784-128-10, 50,000 examples, batch 128, 4 epochs: 1,564 steps",
            {"name": "fashion_mnist"},
            hidden=128,
            batch_size=128,
            epochs=4,
            report_every=1,
            arms=Arms(2, 2, 8, 2),
            trials={"optuna_mlflow": 8, "ray_tune": 8, "serial": 6, "serial_pinned": 6, "static": 12, "refilled": 12},
            width=2,
        ),
        Workload(
            "lenet",
            "LeNet-5 on 1,000 pictures of Fashion-MNIST, batch 32, 8 epochs: 256 steps",
            {"name": "fashion_mnist", "examples": 1000, "validation_examples": 1000},
            hidden=None,
            batch_size=32,
            epochs=8,
            report_every=1,
            arms=Arms(2, 10, 10, 2),
            trials={"optuna_mlflow": 12, "serial": 12, "serial_pinned": 12},
            width=8,
        ),
        Workload(
            "halving",
            "mixture by successive halving: two of three trials stop at a rung, at 1/9 and at 1/3 of 279 epochs",
            {"name": "mixture"},
            hidden=10,
            batch_size=32,
            epochs=279,
            report_every=31,
            arms=Arms(8, 10, 45, 2),
            trials={"static": 600, "refilled": 600},
            pruner="successive_halving",
        ),
    )
}
