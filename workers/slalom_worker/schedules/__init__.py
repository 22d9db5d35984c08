"""The schedules a study can name, for the momentum and for the learning rate: one file each, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.schedules.base import Clock, Schedule
from slalom_worker.schedules.constant import CONSTANT_MOMENTUM, CONSTANT_RATE
from slalom_worker.schedules.cosine import COSINE
from slalom_worker.schedules.gradient_norm import GRADIENT_NORM
from slalom_worker.schedules.sutskever import SUTSKEVER

if TYPE_CHECKING:
    from collections.abc import Mapping

MOMENTUM_SCHEDULES: Mapping[str, Schedule] = {
    "constant": CONSTANT_MOMENTUM,
    "gradient_norm": GRADIENT_NORM,
    "sutskever": SUTSKEVER,
}
RATE_SCHEDULES: Mapping[str, Schedule] = {
    "constant": CONSTANT_RATE,
    "cosine": COSINE,
}

__all__ = ["MOMENTUM_SCHEDULES", "RATE_SCHEDULES", "Clock", "Schedule"]
