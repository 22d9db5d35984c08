"""Probes a user's own optimizer on parabolas, on which any method must take finite steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from slalom.errors import InputError, quoted
from slalom_worker.training.group import Group, SlotTensors
from slalom_worker.training.probes.answers import finite, untouched
from slalom_worker.training.probes.schedules import spread
from slalom_worker.training.slot import SCALARS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom_worker.optimizers import Block, Optimizer

SLOTS, STEPS = 3, 20
"""Least number of slots, each with a parabola of its own, and number of steps."""

RATE = 1e-2
"""The learning rate of the steps: small enough for any method."""

MOST_COUNTS = 1 << 12
"""Most updates for which `Optimizer.columns` are checked."""

LOWEST = (0.0, 1.0, -1.0, 0.5, -2.0, 0.0)
"""The minimum of the last slot's parabola. Parameters start at 0, so that some have no slope."""


def probe_optimizer(name: str, method: Optimizer, settings: Sequence[Mapping[str, Any]], steps: int) -> None:
    """Raise InputError where an optimizer gives infinite numbers or NaN, moves nothing, or changes the pack's tensors.

    settings: settings of trials, which hold the optimizer's hyperparameters
    steps: updates of a whole trial
    """
    _check_names(name, method)
    settings = [*settings] * (SLOTS if len(settings) < SLOTS else 1)
    count = len(settings)
    options = {key: torch.tensor([one[key] for one in settings], dtype=torch.float64) for key in method.hyperparameters}
    counts = (spread(steps, MOST_COUNTS) + 1).unsqueeze(1).expand(-1, count).contiguous()
    for column in method.columns:
        _probe_column(f"{name}: {column}", method, column, counts, options)
    lowest = torch.tensor(LOWEST) * torch.arange(1, count + 1).unsqueeze(1) / count
    parameters, gradient = torch.zeros_like(lowest), torch.zeros_like(lowest)
    state = {key: torch.zeros_like(lowest) for key in method.state}
    if method.curvature:
        state["curvature"].fill_(1.0)
    state |= {key: torch.zeros(count, 1, dtype=torch.float64) for key in method.scalars}
    group = Group(method, slice(0, count), SlotTensors(parameters, gradient, state, options, None, None))
    momenta = torch.full((STEPS, count), method.momentum or 0.0, dtype=torch.float64)
    done = torch.arange(1, STEPS + 1, dtype=torch.float64).unsqueeze(1).expand(-1, count)
    group.begin_epoch(done, torch.full_like(momenta, RATE), momenta)
    for step in range(STEPS):
        group.begin_step(step)
        gradient.copy_(parameters - lowest)
        group.loss.copy_((gradient.double().square().sum(1, keepdim=True)) / 2)
        group.data_loss.copy_(group.loss)
        for placed in group.blocks:
            _update(f"{name}: update", method, placed.block, step)
    if not parameters.any():
        raise InputError(
            f"{name}: update must change block.parameters in place, as block.parameters.sub_(...) does, but left them "
            f"as they were for {STEPS} steps along slopes of up to {max(map(abs, LOWEST))}"
        )


def _check_names(name: str, method: Optimizer) -> None:
    """Raise InputError for a momentum outside [0, 1), a name that is taken or doubled, or a buffer that is missing."""
    if method.momentum is not None and not 0 <= method.momentum < 1:
        raise InputError(f"{name}: momentum must be in [0, 1), but is {method.momentum}")
    for names, taken in (
        ((*method.state, *method.scalars), ("parameters", "misses", *SCALARS)),
        ((*method.hyperparameters, *method.columns), ("rate", "momentum")),
    ):
        doubled = [one for number, one in enumerate(names) if one in taken or one in names[:number] or "." in one]
        if doubled:
            raise InputError(
                f"{name}: names must differ from each other and from {', '.join(taken)}, and have no dot, but "
                f"{doubled[0]!r} does not; call it otherwise"
            )
    for field, needed in (("answer", method.answer), ("curvature", "curvature" if method.curvature else None)):
        if needed is not None and needed not in method.state:
            raise InputError(f"{name}: {field} needs the buffer {needed!r} in state, but state is {method.state}")
    if method.curvature and "sample" not in method.hyperparameters:
        raise InputError(f"{name}: curvature needs the hyperparameter 'sample', how many examples it is estimated from")


def _probe_column(place: str, method: Optimizer, column: str, counts: Tensor, options: Mapping[str, Tensor]) -> None:
    found = untouched(place, method.columns[column], count=counts, hyperparameters=dict(options))
    wanted = f"{place} must give a tensor [steps, e] or [e] of real numbers, here {[*counts.shape]}"
    if not isinstance(found, Tensor) or found.is_complex():
        raise InputError(f"{wanted}, but gave {quoted(found)}")
    if tuple(found.shape) not in (tuple(counts.shape), tuple(counts.shape[1:])):
        raise InputError(f"{wanted}, but gave one of the shape {[*found.shape]}")
    finite(place, found, f"numbers in updates 1 to {int(counts.max())}")


def _update(place: str, method: Optimizer, block: Block, step: int) -> None:
    """Make one update; InputError where it gives infinite numbers or NaN, or changes or replaces the pack's tensors."""
    held = {**block.state}
    kept = {**block.columns} | ({} if method.answer else {"loss": block.loss})
    untouched(place, lambda *_: method.update(block), **kept)
    for name, tensor in held.items():
        if block.state.get(name) is not tensor:
            raise InputError(
                f'{place} must change block.state["{name}"] in place, as copy_(...) does, but put another tensor there'
            )
    for name, tensor in {"block.parameters": block.parameters, **block.state}.items():
        finite(place, tensor, f"numbers of finite ones: {name} after step {step + 1} of a parabola")
