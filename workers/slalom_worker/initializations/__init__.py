"""The initializations that a study can name: one file each, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.initializations.base import Initialization
from slalom_worker.initializations.fan_in import FAN_IN
from slalom_worker.initializations.he import HE
from slalom_worker.initializations.lecun import LECUN
from slalom_worker.initializations.uniform import UNIFORM
from slalom_worker.initializations.xavier import XAVIER
from slalom_worker.initializations.zero import ZERO

if TYPE_CHECKING:
    from collections.abc import Mapping

INITIALIZATIONS: Mapping[str, Initialization] = {
    "fan_in": FAN_IN,
    "lecun": LECUN,
    "xavier": XAVIER,
    "he": HE,
    "uniform": UNIFORM,
    "zero": ZERO,
}

__all__ = ["INITIALIZATIONS", "Initialization"]
