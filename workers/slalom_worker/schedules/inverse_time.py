"""A learning rate that falls as 1/t, as stochastic approximation needs to converge; after `tau` it is half.

    factor = 1 / (1 + t / (tau * T))

tau: a share of the training's steps. Source: Robbins and Monro 1951, "A stochastic approximation method", in the form
of Bottou 2012, "Stochastic gradient descent tricks", section 5.2.
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
    return 1 / (1 + clock.step / (parameters["tau"] * clock.steps))


INVERSE_TIME = Schedule(factor, {"tau": positive(0.1)})
