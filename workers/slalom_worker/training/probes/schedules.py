"""Probes a user's own schedule over the whole training, with all parameters that a study sets or searches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from slalom.errors import InputError
from slalom.wire.kinds import parts_of
from slalom_worker.schedules import Clock, Schedule
from slalom_worker.training.probes.answers import again, as_tensor, shown, untouched
from slalom_worker.training.slot_schedules import SlotSchedules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

MOST = 1 << 20
"""Most values that are checked; of a longer training, steps spread evenly over it, with the first and the last."""

MOST_CALLS = 1 << 8
"""Most calls of a schedule that reads the gradient, which gets one step at a time."""

RATIOS = (0.0, 1e-6, 0.5, 1.0)
"""Gradient ratios (see Clock) that schedules which read the gradient are probed with."""


def probe_schedules(key: str, table: Mapping[str, Schedule], chosen: Sequence[Mapping[str, Any]], steps: int) -> None:
    """Raise InputError where a user's own schedule gives no factors of a learning rate, or no momenta.

    key: "learning_rate_schedule" or "momentum"
    chosen: the trials' settings of that key, see SlotSchedules; the typical ones first
    steps: updates of a whole trial
    """
    for name, given in {part["schedule"]: part for one in chosen for part in parts_of(one, "schedule")}.items():
        if ":" in name:
            _probe_form(f"{name}: value", table[name], given)
    for some, most in ((chosen[:1], MOST), (chosen, MOST // len(chosen))):
        _probe_values(key, table, some, spread(steps, most), steps)


def spread(count: int, most: int) -> Tensor:
    """The numbers from 0 to count - 1 float64, or `most` of them at most, evenly spread, the ends included."""
    if count <= most:
        return torch.arange(count, dtype=torch.float64)
    found: Tensor = torch.unique(torch.linspace(0, count - 1, max(most, 2), dtype=torch.float64).round())
    return found


def _probe_form(place: str, schedule: Schedule, given: Mapping[str, Any]) -> None:
    """Raise InputError where values have not the clock's shape, or mix steps or slots, or the clock is changed."""
    shape: tuple[int, ...] = (4,) if schedule.reads_gradient else (3, 4)
    count = torch.tensor(shape).prod()
    done = torch.arange(float(count), dtype=torch.float64).reshape(shape)
    ratio = ((done + 1) / float(count)).flip(0) if schedule.reads_gradient else torch.ones_like(done)
    clock = Clock(done, torch.full(shape[-1:], 20.0, dtype=torch.float64), ratio)
    options = {name: torch.full(shape[-1:], float(given[name]), dtype=torch.float64) for name in schedule.parameters}
    found = as_tensor(place, untouched(place, schedule.value, clock=clock, parameters=options), shape, "[steps, k]")
    for part in (slice(0, 1), slice(1, 3)):
        own = Clock(*(column[..., part] for column in clock))
        few = {name: column[part] for name, column in options.items()}
        because = "each slot's value by its own clock alone"
        again(place, found[..., part], schedule.value(own, few).expand_as(found[..., part]), because)
    if not schedule.reads_gradient:
        for row in range(shape[0]):
            own = Clock(done[row : row + 1], clock.steps, ratio[row : row + 1])
            because = "each step's value by its own clock alone"
            again(place, found[row : row + 1], schedule.value(own, options).expand(1, shape[-1]), because)


def _probe_values(
    key: str, table: Mapping[str, Schedule], chosen: Sequence[Mapping[str, Any]], done: Tensor, steps: int
) -> None:
    reading = [any(table[part["schedule"]].reads_gradient for part in parts_of(one, "schedule")) for one in chosen]
    by_step = [one for one, reads in zip(chosen, reading, strict=True) if not reads]
    if by_step:
        values, clock = _slots(table, by_step, steps)
        at = clock._replace(step=done.unsqueeze(1) + clock.step)
        _judge(key, by_step, values.of_epoch(at._replace(gradient_ratio=torch.ones_like(at.step))), done, steps)
    by_slope = [one for one, reads in zip(chosen, reading, strict=True) if reads]
    if by_slope:
        values, clock = _slots(table, by_slope, steps)
        few = spread(steps, min(len(done), MOST_CALLS))
        for ratio in RATIOS:
            found = torch.empty(len(few), len(by_slope), dtype=torch.float64)
            for row, step in zip(found, few, strict=True):
                values.fill_in(row, Clock(clock.step + step, clock.steps, clock.step + ratio))
            _judge(key, by_slope, found, few, steps)


def _slots(
    table: Mapping[str, Schedule], chosen: Sequence[Mapping[str, Any]], steps: int
) -> tuple[SlotSchedules, Clock]:
    """The schedules of slots with these settings, and their clock before the first step."""
    base = torch.ones(len(chosen), dtype=torch.float64)
    return SlotSchedules(table, chosen, base), Clock(base * 0, base * steps, base)


def _judge(key: str, chosen: Sequence[Mapping[str, Any]], values: Tensor, done: Tensor, steps: int) -> None:
    """Raise InputError for values [steps, k] that are no factors of a learning rate, or no momenta."""
    for column, one in zip(values.unbind(1), chosen, strict=True):
        parts = parts_of(one, "schedule")
        own = [part["schedule"] for part in parts if ":" in part["schedule"]]
        wrong = ~(column.isfinite() & (column >= 0) & ((column < 1) if key == "momentum" else True))
        if own and bool(wrong.any()):
            at = int(wrong.nonzero()[0])
            given = {name: value for part in parts for name, value in part.items() if name != "schedule"}
            what = "momenta in [0, 1)" if key == "momentum" else "finite factors of the learning rate, 0 or more"
            raise InputError(
                f"{own[0]}: value must give {what}, but gave {float(column[at])} at step {int(done[at]) + 1} of {steps}"
                f"{shown(given)}"
            )
