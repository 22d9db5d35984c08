"""Every method that a trial's settings can name, the package's and those of the user's own files, by settings key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slalom_worker.augmentation import AUGMENTATION, Augmentation
from slalom_worker.emphasis import EMPHASIS, Emphasis
from slalom_worker.initializations import INITIALIZATIONS, Initialization
from slalom_worker.losses import LOSSES, Loss
from slalom_worker.metrics import METRICS, Metric
from slalom_worker.optimizers import OPTIMIZERS, Optimizer
from slalom_worker.own_method import MethodTable
from slalom_worker.preprocessing import PREPROCESSING, Preprocessing
from slalom_worker.schedules import MOMENTUM_SCHEDULES, RATE_SCHEDULES, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Methods:
    """The tables of methods that a study can name, each under the study file's key for it."""

    optimizer: Mapping[str, Optimizer]
    learning_rate_schedule: Mapping[str, Schedule]
    momentum: Mapping[str, Schedule]
    augmentation: Mapping[str, Augmentation]
    emphasis: Mapping[str, Emphasis]
    loss: Mapping[str, Loss]
    initialization: Mapping[str, Initialization]
    preprocess: Mapping[str, Preprocessing]
    metric: Mapping[str, Metric]

    @classmethod
    def beside(cls, folder: Path | None) -> Methods:
        """The package's methods, and those of the user's files in a study's folder; None for the package's alone."""
        return cls(
            MethodTable(OPTIMIZERS, Optimizer, folder),
            MethodTable(RATE_SCHEDULES, Schedule, folder),
            MethodTable(MOMENTUM_SCHEDULES, Schedule, folder),
            MethodTable(AUGMENTATION, Augmentation, folder),
            MethodTable(EMPHASIS, Emphasis, folder),
            MethodTable(LOSSES, Loss, folder),
            MethodTable(INITIALIZATIONS, Initialization, folder),
            MethodTable(PREPROCESSING, Preprocessing, folder),
            MethodTable(METRICS, Metric, folder),
        )

    def open(self, key: str, name: str) -> Any:
        """The method of this name in the table of a key; fails as MethodTable does."""
        table: Mapping[str, Any] = getattr(self, key)
        return table[name]


BUNDLED = Methods.beside(None)
"""The package's methods alone."""
