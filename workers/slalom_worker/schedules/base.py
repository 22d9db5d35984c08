"""What a schedule is to a pack: it gives each slot a value, from the slot's own clock.

Like the optimizers, the files here load without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from slalom.wire.kinds import Kind


class Clock(NamedTuple):
    """The clocks of k slots before an update, each field [k] float64.

    step: updates done so far, 0 before the first
    steps: updates of the whole trial
    gradient_ratio: the smoothed gradient norm over its largest value so far, in [0, 1]
    """

    step: Tensor
    steps: Tensor
    gradient_ratio: Tensor


@dataclass(frozen=True)
class Schedule:
    """A value that changes while a trial trains.

    value: (clock, parameters [k] by name) -> values [k], each from its own slot's numbers alone. A schedule that does
        not read the gradient is called once an epoch, with `clock.step` [steps, k], and gives [steps, k].
    parameters: what a study may set of it
    reads_gradient: whether the value depends on `clock.gradient_ratio`
    """

    value: Callable[[Clock, Mapping[str, Tensor]], Tensor]
    parameters: Mapping[str, Kind]
    reads_gradient: bool = False
