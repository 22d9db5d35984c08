"""Momentum that rises as the gradient shrinks: `start` while gradients are large, towards `end` as they vanish.

    momentum = end - (end - start) * ratio,  ratio = smoothed gradient norm / largest smoothed norm so far

Source: Hinton 2012, Neural networks for machine learning, lecture 6c: a small momentum (0.5) while gradients
are large, raised smoothly (0.9) once they have disappeared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import fraction
from slalom_worker.schedules.base import Clock, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def value(clock: Clock, parameters: Mapping[str, Tensor]) -> Tensor:
    """The momentum, between `start` and `end`."""
    start, end = parameters["start"], parameters["end"]
    return end - (end - start) * clock.gradient_ratio


GRADIENT_NORM = Schedule(value, {"start": fraction(0.5), "end": fraction(0.9)}, reads_gradient=True)
