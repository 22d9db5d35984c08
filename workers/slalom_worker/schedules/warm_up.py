"""A learning rate that rises evenly to its full value within the first `share` of the training, and stays there.

    factor = min((t + 1) / k, 1),  k = share * T

as torch.optim.lr_scheduler.LinearLR(1 / k, total_iters=k - 1), stepped every update. Source: Goyal et al. 2017,
"Accurate, large minibatch SGD: training ImageNet in 1 hour", section 2.2, gradual warm-up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import Number
from slalom_worker.schedules.base import Clock, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def factor(clock: Clock, parameters: Mapping[str, Tensor]) -> Tensor:
    """The learning rate's factor at each step."""
    return ((clock.step + 1) / (parameters["share"] * clock.steps)).clamp(max=1)


WARM_UP = Schedule(factor, {"share": Number(0.1, 0.0, 1.0, open_low=True)})
