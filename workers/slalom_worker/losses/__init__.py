"""The losses a study can name: one file each, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.losses.base import Loss
from slalom_worker.losses.cross_entropy import CROSS_ENTROPY
from slalom_worker.losses.radial import RADIAL
from slalom_worker.losses.squared_error import SQUARED_ERROR

if TYPE_CHECKING:
    from collections.abc import Mapping

LOSSES: Mapping[str, Loss] = {
    "cross_entropy": CROSS_ENTROPY,
    "squared_error": SQUARED_ERROR,
    "radial": RADIAL,
}

__all__ = ["LOSSES", "Loss"]
