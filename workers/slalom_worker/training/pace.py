"""Learning rates and momenta of a pack's slots, step by step, each from its own schedule and clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from slalom_worker.schedules import MOMENTUM_SCHEDULES, RATE_SCHEDULES, Clock, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from torch import Tensor

    Rows = Tensor | slice

SMOOTHING = 0.9
"""Of the gradient's norm, for schedules that read it: a batch's norm is too noisy to steer by."""


class Pace:
    """A value per slot and step: `base * schedule` [E], for the learning rate or for the momentum."""

    def __init__(self, table: Mapping[str, Schedule], chosen: Sequence[Mapping[str, Any]], base: Tensor) -> None:
        """chosen: each slot's {"schedule": name, **parameters}; base: [E] float64."""
        self.base = base
        self.parts: list[tuple[Schedule, Rows, dict[str, Tensor]]] = []
        for name in sorted({one["schedule"] for one in chosen}):
            rows = [row for row, one in enumerate(chosen) if one["schedule"] == name]
            columns = {key: base.new_tensor([chosen[row][key] for row in rows]) for key in table[name].parameters}
            # all of them, as most often, are a view
            place = slice(None) if len(rows) == len(chosen) else torch.tensor(rows, device=base.device)
            self.parts.append((table[name], place, columns))
        self.reads_gradient = any(schedule.reads_gradient for schedule, _, _ in self.parts)

    def epoch(self, clock: Clock) -> Tensor:
        """Values [steps, E] from a clock with step [steps, E]; those that read the gradient are left at base."""
        values = self.base.expand_as(clock.step).clone()
        for schedule, rows, parameters in self.parts:
            if not schedule.reads_gradient:
                values[:, rows] *= schedule.value(_rows(clock, rows), parameters)
        return values

    def correct(self, values: Tensor, clock: Clock) -> None:
        """Fill in the values [E] of the slots whose schedule reads the gradient, in place."""
        for schedule, rows, parameters in self.parts:
            if schedule.reads_gradient:
                values[rows] = self.base[rows] * schedule.value(_rows(clock, rows), parameters)


def learning_rates(settings: Sequence[Mapping[str, Any]], device: torch.device) -> Pace:
    """The learning rate of every slot: its base times its schedule's factor."""
    base = torch.tensor([one["learning_rate"] for one in settings], dtype=torch.float64, device=device)
    return Pace(RATE_SCHEDULES, [one["learning_rate_schedule"] for one in settings], base)


def momenta(settings: Sequence[Mapping[str, Any]], device: torch.device) -> Pace:
    """The momentum of every slot; 0 for an optimizer that has none."""
    none = {"schedule": "constant", "value": 0.0}
    base = torch.ones(len(settings), dtype=torch.float64, device=device)
    return Pace(MOMENTUM_SCHEDULES, [one.get("momentum", none) for one in settings], base)


def gradient_ratio(gradient: Tensor, smoothed: Tensor, largest: Tensor, step: Tensor) -> Tensor:
    """The smoothed norm [E] of gradients [E, P] over the largest it has been, updating both in place.

    The first norm starts the average, so the ratio starts at 1; a zero gradient at the start gives 1.
    """
    norm = gradient.double().square().sum(-1).sqrt()
    smoothed.copy_(torch.where(step == 0, norm, SMOOTHING * smoothed + (1 - SMOOTHING) * norm))
    largest.copy_(largest.maximum(smoothed))
    return torch.where(largest > 0, smoothed / largest, torch.ones_like(largest))


def _rows(clock: Clock, rows: Rows) -> Clock:
    return Clock(*(column[..., rows] for column in clock))
