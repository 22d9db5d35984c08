"""The seated slots' tensors side by side, and the optimizers' steps on them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from slalom_worker.regularizers import decay_factor
from slalom_worker.schedules import Clock
from slalom_worker.training import slot_schedules
from slalom_worker.training.group import Group, SlotTensors
from slalom_worker.training.slot import NET, SCALARS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from slalom_worker.net.objective import Objective
    from slalom_worker.training.slot import Slot
    from slalom_worker.training.slot_schedules import SlotSchedules


NOT_ZERO = 1e-6
"""What torch's clip_grad_norm_ adds to a norm before it divides by it."""


class EpochTable(NamedTuple):
    """The numbers of an epoch's steps, each [steps, E] float64.

    done: updates that a slot has done before the step
    rates, momenta: the step's; where a schedule reads the gradient they are filled in during the step
    """

    done: Tensor
    rates: Tensor
    momenta: Tensor


@dataclass(frozen=True, eq=False)
class Stack:
    """E slots of one pack key, sorted by optimizer. The slots' own tensors are views of the stack's.

    parameters, gradient: [E, P]
    weights, gradients: their views, one tensor [E, ...] for each weight, in the order of `Objective.views`
    state: the nets' state by name, [E, ...]; see Forward.state
    clock: the slots' SCALARS, each [E] float64
    rates, momenta: schedules of the learning rate and of the momentum
    groups: one for each optimizer
    total_steps: updates of each whole trial [E] float64
    dropout: the rates [E] of each dropout layer that drops anything, in the pack's precision
    dropping: for each such layer, whether it drops anything in each slot
    readers: the rows of the slots whose emphasis reads the net
    recording: whether any slot's trial records more than its metrics
    clip_norms: the largest norms of the gradient [E, 1] float64, infinite where a slot has none, or None where none has
    bound: every parameter is kept within +-bound, unless it is None
    """

    parameters: Tensor
    gradient: Tensor
    weights: Sequence[Tensor]
    gradients: Sequence[Tensor]
    state: Mapping[str, Tensor]
    clock: Mapping[str, Tensor]
    rates: SlotSchedules
    momenta: SlotSchedules
    groups: Sequence[Group]
    total_steps: Tensor
    dropout: Mapping[str, Tensor]
    dropping: Mapping[str, Sequence[bool]]
    readers: Sequence[int]
    recording: bool
    clip_norms: Tensor | None
    bound: float | None

    @classmethod
    def of(cls, slots: Sequence[Slot], objective: Objective) -> Stack:
        """The stack of at least one slot, sorted by optimizer; each slot's tensors become views of its row."""
        settings, methods = [slot.settings for slot in slots], objective.methods
        parameters = _side_by_side(slots, "parameters")
        gradient = torch.zeros_like(parameters)
        clock = {name: _side_by_side(slots, name) for name in SCALARS}
        dropout = objective.rates(settings)
        return cls(
            parameters,
            gradient,
            list(objective.views(parameters).values()),
            list(objective.views(gradient).values()),
            {name: _side_by_side(slots, NET + name) for name in objective.state},
            clock,
            slot_schedules.learning_rates(methods.learning_rate_schedule, settings, objective.device),
            slot_schedules.momenta(methods.momentum, settings, objective.device),
            list(_groups(slots, objective, parameters, gradient)),
            clock["step"].new_tensor([slot.trial.epochs * objective.batching.steps for slot in slots]),
            {name: column(objective, rates) for name, rates in dropout.items() if any(rates)},
            {name: [rate > 0 for rate in rates] for name, rates in dropout.items() if any(rates)},
            [row for row, slot in enumerate(slots) if slot.emphasis.reads_net],
            any(slot.trial.record for slot in slots),
            _clip_norms(slots, objective),
            objective.data.bound,
        )

    def begin_epoch(self, steps: int) -> EpochTable:
        """The table of the next `steps` steps; each group gets its part of it. No clock advances."""
        done = self.clock["step"] + torch.arange(steps, device=self.parameters.device).unsqueeze(1)
        clock = Clock(done, self.total_steps, torch.ones_like(done))
        epoch = EpochTable(done, self.rates.of_epoch(clock), self.momenta.of_epoch(clock))
        for group in self.groups:
            group.begin_epoch(*(part[:, group.place] for part in (done + 1, epoch.rates, epoch.momenta)))
        return epoch

    @torch.inference_mode()
    def update(self, epoch: EpochTable, step: int, losses: Tensor) -> None:
        """Update every slot's parameters by one step along `gradient`.

        losses: mean losses [E]; an optimizer with an answer overwrites its slots' losses with their answers'
        """
        for group in self.groups:
            group.begin_step(step)
        if self.rates.reads_gradient or self.momenta.reads_gradient:
            self._read_gradient(epoch, step)
        if self.clip_norms is not None:
            clip(self.gradient, self.clip_norms)
        for group in self.groups:
            group.update(losses[group.place])
        if self.bound is not None:
            self.parameters.clamp_(-self.bound, self.bound)

    def _read_gradient(self, epoch: EpochTable, step: int) -> None:
        """Write the rates and momenta of schedules that read the gradient to the epoch's table and to the groups."""
        done, rates, momenta = (part[step] for part in epoch)
        ratio = slot_schedules.gradient_ratio(self.gradient, self.clock["smoothed"], self.clock["largest"], done)
        clock = Clock(done, self.total_steps, ratio)
        self.rates.fill_in(rates, clock)
        self.momenta.fill_in(momenta, clock)
        for group in self.groups:
            group.set_rates_and_momenta(rates[group.place], momenta[group.place])


def column(objective: Objective, values: Sequence[float], dtype: torch.dtype | None = None) -> Tensor:
    """A value for each slot as a tensor [E] on the device, in the pack's precision unless another is given."""
    return torch.tensor(values, dtype=dtype or objective.dtype, device=objective.device)


def clip(gradient: Tensor, largest: Tensor) -> None:
    """Shorten gradients [E, P] in place to the norms `largest` [E, 1] where they are longer.

    As torch.nn.utils.clip_grad_norm_: by largest / (norm + 1e-6). Source: Pascanu et al. 2013, "On the difficulty of
    training recurrent neural networks", algorithm 1.
    """
    norm = gradient.double().square().sum(-1, keepdim=True).sqrt()
    gradient.mul_((largest / (norm + NOT_ZERO)).clamp(max=1).to(gradient.dtype))


def _clip_norms(slots: Sequence[Slot], objective: Objective) -> Tensor | None:
    norms = [slot.settings["clip_norm"] for slot in slots]
    if all(norm is None for norm in norms):
        return None
    return column(objective, [math.inf if norm is None else norm for norm in norms], torch.float64).unsqueeze(1)


def _side_by_side(slots: Sequence[Slot], name: str) -> Tensor:
    """The slots' tensors of a name stacked [e, ...]; each slot's tensor becomes a view of its row."""
    stacked = torch.stack([slot.tensors[name] for slot in slots])
    for slot, row in zip(slots, stacked, strict=True):
        slot.tensors[name] = row
    return stacked


def _groups(slots: Sequence[Slot], objective: Objective, parameters: Tensor, gradient: Tensor) -> Iterator[Group]:
    """A group for each optimizer of the slots, which are sorted by it."""
    names = [slot.settings["optimizer"] for slot in slots]
    for name in sorted(set(names)):
        optimizer = objective.methods.optimizer[name]
        place = slice(names.index(name), names.index(name) + names.count(name))
        own = slots[place]
        tensors = SlotTensors(
            parameters[place],
            gradient[place],
            {
                **{buffer: _side_by_side(own, buffer) for buffer in optimizer.state},
                **{scalar: _side_by_side(own, scalar).unsqueeze(1) for scalar in optimizer.scalars},
            },
            {
                key: column(objective, [slot.settings[key] for slot in own], torch.float64)
                for key in optimizer.hyperparameters
            },
            _decay(own, objective),
            _factors(own, objective),
        )
        yield Group(optimizer, place, tensors)


def _decay(slots: Sequence[Slot], objective: Objective) -> Tensor | None:
    """The slots' weight decay, [e, 1] or, where some parameters are not decayed, [e, P]; None where there is none.

    Parameters without a gradient are not decayed, as torch.optim skips them.
    """
    examples = objective.count
    decay = column(objective, [decay_factor(slot.settings["weight_decay"], examples) for slot in slots]).unsqueeze(1)
    if not decay.any():
        return None
    spared = torch.tensor([not slot.settings["decay_biases"] for slot in slots], device=decay.device).unsqueeze(1)
    if not spared.any() and not objective.is_idle.any():
        return decay
    left_out = (spared & objective.is_bias) | objective.is_idle
    return decay.expand(-1, len(objective.is_bias)).masked_fill(left_out, 0.0)


def _factors(slots: Sequence[Slot], objective: Objective) -> Tensor | None:
    """Factors of the learning rate [e, P], layer by layer; None where no layer has a rate of its own."""
    chosen = [slot.settings["layer_rates"] for slot in slots]
    if all(one == 1 for one in chosen):
        return None
    layers = objective.layer_of
    count = int(layers.max()) + 1
    each = [[one[str(n + 1)] if isinstance(one, Mapping) else one for n in range(count)] for one in chosen]
    return torch.tensor(each, dtype=objective.dtype, device=layers.device)[:, layers]
