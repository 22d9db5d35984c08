"""Sutskever's momentum schedule: 0.5, 0.75, 0.833, 0.875, ... at steps 0, 250, 500, 750, ..., up to `end`.

    momentum = min(1 - 2^(-1 - log2(floor(t / 250) + 1)), end)

Source: Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning", equation 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import fraction
from slalom_worker.schedules.base import Clock, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def value(clock: Clock, parameters: Mapping[str, Tensor]) -> Tensor:
    """The momentum; 2^(-1 - log2(k)) is written as 0.5 / k."""
    return (1 - 0.5 / ((clock.step / 250).floor() + 1)).minimum(parameters["end"])


SUTSKEVER = Schedule(value, {"end": fraction(0.9)})
