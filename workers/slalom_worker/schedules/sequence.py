"""Schedules one after the other: each, except the last, runs for its `share` of the training, on its own clock.

    [{schedule: warm_up, share: 0.1}, {schedule: cosine, end: 0}]

as torch.optim.lr_scheduler.SequentialLR, but a part may start between two steps: it then begins with the next step. A
schedule with a parameter `share` of its own, such as warm_up, takes the whole of its part, unless it is the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import SHARE
from slalom_worker.schedules.base import Clock, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from slalom.wire.kinds import Kind


def sequence(parts: Sequence[Schedule]) -> Schedule:
    """One schedule of several; its parameters are the parts' own by number, such as "2.end", and their shares."""

    def value(clock: Clock, parameters: Mapping[str, Tensor]) -> Tensor:
        start = clock.steps * 0
        found = start
        for number, part in enumerate(parts, 1):
            own = {name: parameters[f"{number}.{name}"] for name in part.parameters if f"{number}.{name}" in parameters}
            length = clock.steps - start
            if number < len(parts):
                length = parameters[f"{number}.share"] * clock.steps
                own |= {"share": length * 0 + 1} if "share" in part.parameters else {}
            here = Clock((clock.step - start).clamp(min=0), length, clock.gradient_ratio)
            found = part.value(here, own).where(clock.step >= start, found)
            start = start + length
        return found

    kinds: dict[str, Kind] = {f"{number}.share": SHARE for number in range(1, len(parts))}
    kinds |= {
        f"{number}.{name}": kind for number, part in enumerate(parts, 1) for name, kind in part.parameters.items()
    }
    return Schedule(value, kinds, any(part.reads_gradient for part in parts))
