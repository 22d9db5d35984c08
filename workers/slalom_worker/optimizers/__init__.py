"""The optimizers a study can name: one file each, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.optimizers.adam import ADAM
from slalom_worker.optimizers.amsgrad import AMSGRAD
from slalom_worker.optimizers.base import Optimizer, Slots
from slalom_worker.optimizers.conjugate_gradient import FLETCHER_REEVES, POLAK_RIBIERE
from slalom_worker.optimizers.momentum import MOMENTUM
from slalom_worker.optimizers.nesterov import NESTEROV
from slalom_worker.optimizers.rmsprop import RMSPROP
from slalom_worker.optimizers.sgd import SGD

if TYPE_CHECKING:
    from collections.abc import Mapping

OPTIMIZERS: Mapping[str, Optimizer] = {
    "sgd": SGD,
    "momentum": MOMENTUM,
    "nesterov": NESTEROV,
    "rmsprop": RMSPROP,
    "adam": ADAM,
    "amsgrad": AMSGRAD,
    "polak_ribiere": POLAK_RIBIERE,
    "fletcher_reeves": FLETCHER_REEVES,
}

__all__ = ["OPTIMIZERS", "Optimizer", "Slots"]
