"""A learning rate that is `factor` times as large at the first update, and has its full value from then on.

Momentum starts from rest: with a constant gradient its steps grow from rate * g to rate * g / (1 - momentum). In
AlexNet's form a `factor` of 1 / (1 - momentum), 10 at a momentum of 0.9, gives steps of that length at once and from
then on; in torch's form the step size is outside the velocity, and only the first step is longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import positive
from slalom_worker.schedules.base import Clock, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def factor(clock: Clock, parameters: Mapping[str, Tensor]) -> Tensor:
    """The learning rate's factor at each step."""
    later = clock.step.clamp(max=1)
    return later + (1 - later) * parameters["factor"]


FIRST_STEP = Schedule(factor, {"factor": positive(10.0)})
