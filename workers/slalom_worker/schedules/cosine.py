"""A learning rate that falls along half a cosine, from its full value to the fraction `end` of it at the last step.

    factor = end + (1 - end) * (1 + cos(pi * t / T)) / 2

as torch.optim.lr_scheduler.CosineAnnealingLR, stepped every update. Source: Loshchilov and Hutter 2017,
"SGDR: stochastic gradient descent with warm restarts", equation 5.
"""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING

from slalom.wire.kinds import Number
from slalom_worker.schedules.base import Clock, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def factor(clock: Clock, parameters: Mapping[str, Tensor]) -> Tensor:
    """The learning rate's factor at each step."""
    end = parameters["end"]
    return end + (1 - end) * (1 + (pi * clock.step / clock.steps).cos()) / 2


COSINE = Schedule(factor, {"end": Number(0.0, 0.0, 1.0)})
