"""A first update that is `factor` times as large, and the whole learning rate from then on.

Momentum starts from rest: with an even gradient its steps grow from rate * g to rate * g / (1 - momentum). Under
AlexNet's form a first step of 1 / (1 - momentum), 10 at a momentum of 0.9, has that length at once and keeps it; in
torch's form the step size is outside the velocity, and the first step alone is longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import positive
from slalom_worker.schedules.base import Clock, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def factor(clock: Clock, parameters: Mapping[str, Tensor]) -> Tensor:
    """What the learning rate is multiplied by."""
    later = clock.step.clamp(max=1)
    return later + (1 - later) * parameters["factor"]


FIRST_STEP = Schedule(factor, {"factor": positive(10.0)})
