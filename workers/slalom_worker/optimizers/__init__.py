"""The optimizers a study can name: one file each, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.optimizers.adagrad import ADAGRAD
from slalom_worker.optimizers.adam import ADAM
from slalom_worker.optimizers.adamw import ADAMW
from slalom_worker.optimizers.alexnet import ALEXNET
from slalom_worker.optimizers.amsgrad import AMSGRAD
from slalom_worker.optimizers.base import Block, Optimizer
from slalom_worker.optimizers.conjugate_gradient import FLETCHER_REEVES, POLAK_RIBIERE
from slalom_worker.optimizers.momentum import MOMENTUM
from slalom_worker.optimizers.nesterov import NESTEROV
from slalom_worker.optimizers.rmsprop import RMSPROP
from slalom_worker.optimizers.rmsprop_centered import RMSPROP_CENTERED
from slalom_worker.optimizers.sgd import SGD
from slalom_worker.optimizers.stochastic_lm import LEVENBERG_MARQUARDT

if TYPE_CHECKING:
    from collections.abc import Mapping

OPTIMIZERS: Mapping[str, Optimizer] = {
    "sgd": SGD,
    "momentum": MOMENTUM,
    "nesterov": NESTEROV,
    "alexnet": ALEXNET,
    "rmsprop": RMSPROP,
    "rmsprop_centered": RMSPROP_CENTERED,
    "adagrad": ADAGRAD,
    "adam": ADAM,
    "adamw": ADAMW,
    "amsgrad": AMSGRAD,
    "levenberg_marquardt": LEVENBERG_MARQUARDT,
    "polak_ribiere": POLAK_RIBIERE,
    "fletcher_reeves": FLETCHER_REEVES,
}

__all__ = ["OPTIMIZERS", "Block", "Optimizer"]
