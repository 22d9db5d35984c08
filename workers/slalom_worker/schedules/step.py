"""A learning rate that is multiplied by `factor` at each of `drops` steps, which divide the training evenly.

    factor^floor((drops + 1) * t / T)

as torch.optim.lr_scheduler.StepLR, stepped every update. Source: Krizhevsky, Sutskever and Hinton 2012, "ImageNet
classification with deep convolutional neural networks", section 5: three drops by 10, by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import Integer, Number
from slalom_worker.schedules.base import Clock, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def factor(clock: Clock, parameters: Mapping[str, Tensor]) -> Tensor:
    """The learning rate's factor, by exp and log, since torch's pow rounds differently at the tail of a vector."""
    drops = ((parameters["drops"] + 1) * clock.step / clock.steps).floor()
    return (drops * parameters["factor"].log()).exp()


STEP = Schedule(factor, {"factor": Number(0.1, 0.0, 1.0, open_low=True), "drops": Integer(2, 1, 1000)})
