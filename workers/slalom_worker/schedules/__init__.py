"""The schedules of momentum and of learning rate that a study can name: one file each, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.schedules.base import Clock, Schedule
from slalom_worker.schedules.constant import CONSTANT_MOMENTUM, CONSTANT_RATE
from slalom_worker.schedules.cosine import COSINE
from slalom_worker.schedules.first_step import FIRST_STEP
from slalom_worker.schedules.gradient_norm import GRADIENT_NORM
from slalom_worker.schedules.inverse_time import INVERSE_TIME
from slalom_worker.schedules.linear import LINEAR
from slalom_worker.schedules.sequence import sequence
from slalom_worker.schedules.step import STEP
from slalom_worker.schedules.sutskever import SUTSKEVER
from slalom_worker.schedules.warm_up import WARM_UP

if TYPE_CHECKING:
    from collections.abc import Mapping

MOMENTUM_SCHEDULES: Mapping[str, Schedule] = {
    "constant": CONSTANT_MOMENTUM,
    "linear": LINEAR,
    "gradient_norm": GRADIENT_NORM,
    "sutskever": SUTSKEVER,
}
RATE_SCHEDULES: Mapping[str, Schedule] = {
    "constant": CONSTANT_RATE,
    "step": STEP,
    "cosine": COSINE,
    "inverse_time": INVERSE_TIME,
    "warm_up": WARM_UP,
    "first_step": FIRST_STEP,
}

__all__ = ["MOMENTUM_SCHEDULES", "RATE_SCHEDULES", "Clock", "Schedule", "sequence"]
