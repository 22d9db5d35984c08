"""Momentum that rises evenly from `start` to `end` over a share of the training, and stays there.

    momentum = start + (end - start) * min(t / (share * T), 1)

Source: Hinton et al. 2012, "Improving neural networks by preventing co-adaptation of feature detectors", appendix A:
from 0.5 to 0.99 over the first 500 epochs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import Number, fraction
from slalom_worker.schedules.base import Clock, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def value(clock: Clock, parameters: Mapping[str, Tensor]) -> Tensor:
    """The momentum, between `start` and `end`."""
    start, end = parameters["start"], parameters["end"]
    return start + (end - start) * (clock.step / (parameters["share"] * clock.steps)).clamp(max=1)


LINEAR = Schedule(value, {"start": fraction(0.5), "end": fraction(0.9), "share": Number(1.0, 0.0, 1.0, open_low=True)})
