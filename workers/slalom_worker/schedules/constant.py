"""The same momentum, or the full learning rate, at every step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import fraction
from slalom_worker.schedules.base import Clock, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def value(clock: Clock, parameters: Mapping[str, Tensor]) -> Tensor:
    """The momentum, the same at every step."""
    return parameters["value"] + 0 * clock.step


def factor(clock: Clock, _parameters: Mapping[str, Tensor]) -> Tensor:
    """The learning rate's factor, 1 at every step."""
    return 0 * clock.step + 1


CONSTANT_MOMENTUM = Schedule(value, {"value": fraction()})
CONSTANT_RATE = Schedule(factor, {})
