"""The learning rates and momenta of a pack's slots by step, each slot's by its own schedule and clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from slalom.wire.kinds import parts_of
from slalom_worker.schedules import Clock, Schedule, sequence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from torch import Tensor

    Place = Tensor | slice

SMOOTHING = 0.9
"""Weight of the past in the gradient's smoothed norm, which schedules may read: the norm of one batch is noisy."""


class SlotSchedules:
    """One schedule for each of E slots, of the learning rate or of the momentum: a slot's value is base * schedule.

    base: [E] float64
    parts: the schedules that occur, with the slots that follow each and the schedule's parameters for these slots
    """

    def __init__(self, table: Mapping[str, Schedule], chosen: Sequence[Mapping[str, Any]], base: Tensor) -> None:
        """chosen: each slot's {"schedule": name in the table, **parameters}, or a sequence, see kinds.parts_of."""
        self.base = base
        self.parts: list[tuple[Schedule, Place, dict[str, Tensor]]] = []
        each = [tuple(part["schedule"] for part in parts_of(one, "schedule")) for one in chosen]
        for names in sorted(set(each)):
            rows = [row for row, own in enumerate(each) if own == names]
            one = table[names[0]] if len(names) == 1 else sequence([table[name] for name in names])
            columns = {key: base.new_tensor([chosen[row][key] for row in rows]) for key in one.parameters}
            # a slice, which gives views, where all slots have one schedule, as most often
            place = slice(None) if len(rows) == len(chosen) else torch.tensor(rows, device=base.device)
            self.parts.append((one, place, columns))
        self.reads_gradient = any(schedule.reads_gradient for schedule, _, _ in self.parts)

    def of_epoch(self, clock: Clock) -> Tensor:
        """Values [steps, E] at the clock's steps [steps, E]; `base` for slots whose schedule reads the gradient."""
        values = self.base.expand_as(clock.step).clone()
        for schedule, place, parameters in self.parts:
            if not schedule.reads_gradient:
                values[:, place] *= schedule.value(_clock_of(clock, place), parameters)
        return values

    def fill_in(self, values: Tensor, clock: Clock) -> None:
        """Write the values at the clock into `values` [E], only for the slots whose schedule reads the gradient."""
        for schedule, place, parameters in self.parts:
            if schedule.reads_gradient:
                values[place] = self.base[place] * schedule.value(_clock_of(clock, place), parameters)


def learning_rates(
    table: Mapping[str, Schedule], settings: Sequence[Mapping[str, Any]], device: torch.device
) -> SlotSchedules:
    """The learning rates of slots with these settings: each slot's base rate times its schedule's factor."""
    base = torch.tensor([one["learning_rate"] for one in settings], dtype=torch.float64, device=device)
    return SlotSchedules(table, [one["learning_rate_schedule"] for one in settings], base)


def momenta(
    table: Mapping[str, Schedule], settings: Sequence[Mapping[str, Any]], device: torch.device
) -> SlotSchedules:
    """The momenta of slots with these settings; 0 where the optimizer has none."""
    none = {"schedule": "constant", "value": 0.0}
    base = torch.ones(len(settings), dtype=torch.float64, device=device)
    return SlotSchedules(table, [one.get("momentum", none) for one in settings], base)


def gradient_ratio(gradient: Tensor, smoothed: Tensor, largest: Tensor, step: Tensor) -> Tensor:
    """The smoothed norm [E] of gradients [E, P] over its largest value so far; updates both norms in place.

    The first norm starts the average, so the ratio starts at 1; a zero gradient at the start gives 1.
    """
    norm = gradient.double().square().sum(-1).sqrt()
    smoothed.copy_(torch.where(step == 0, norm, SMOOTHING * smoothed + (1 - SMOOTHING) * norm))
    largest.copy_(largest.maximum(smoothed))
    return torch.where(largest > 0, smoothed / largest, torch.ones_like(largest))


def _clock_of(clock: Clock, place: Place) -> Clock:
    """The clock of some slots."""
    return Clock(*(column[..., place] for column in clock))
