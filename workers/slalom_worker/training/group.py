"""The slots of a pack that one optimizer updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from slalom_worker.optimizers import Slots

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from slalom_worker.optimizers import Optimizer

BLOCK = 1 << 14
"""Parameters that are updated at once: with gradient, buffers and what lies between they stay in a core's cache."""


class Rows(NamedTuple):
    """What a group updates, of its own slots alone; the group changes these tensors.

    parameters, gradient: [e, P]
    state: the optimizer's buffers, [e, P], or [e, 1] float64 for its scalars
    hyperparameters: [e] float64
    decay: weight decay [e, 1] or [e, P], or None where no slot decays
    factors: of the learning rate [e, P], or None where no layer has a rate of its own
    """

    parameters: Tensor
    gradient: Tensor
    state: Mapping[str, Tensor]
    hyperparameters: Mapping[str, Tensor]
    decay: Tensor | None
    factors: Tensor | None


class Block(NamedTuple):
    """Whole slots, or a part of one; decay: [e, 1] or [e, c]; factors: [e, c]."""

    slots: Slots
    rate: Tensor
    decay: Tensor | None
    factors: Tensor | None


class Group:
    """Its numbers of a slot lie in one tensor [columns, e, 1], which every step fills from a table of its epoch."""

    def __init__(self, optimizer: Optimizer, place: slice, rows: Rows) -> None:
        """place: where these slots are in the pack."""
        self.optimizer = optimizer
        self.place = place
        self.hyperparameters = rows.hyperparameters
        self.names = ("rate", "momentum", *optimizer.columns)
        slots = len(rows.parameters)
        self.now = rows.parameters.new_zeros(len(self.names), slots, 1)
        self.table = self.now.unsqueeze(0)
        fixed = {name: column.to(self.now.dtype).unsqueeze(1) for name, column in rows.hyperparameters.items()}
        columns = {**fixed, **dict(zip(self.names, self.now, strict=True))}
        self.loss = rows.parameters.new_zeros(slots, 1, dtype=torch.float64)
        self.data_loss = torch.zeros_like(self.loss)
        losses = (self.loss, self.data_loss)
        self.blocks = list(_blocks(rows, columns, losses, whole=optimizer.whole))

    def begin_epoch(self, counts: Tensor, rates: Tensor, momenta: Tensor) -> None:
        """Tabulate an epoch: the number of each update, learning rates and momenta, all [steps, e]."""
        own = (column(counts, self.hyperparameters) for column in self.optimizer.columns.values())
        columns = [column.expand_as(counts) for column in (rates, momenta, *own)]
        self.table = torch.stack(columns, dim=1).to(self.now.dtype).unsqueeze(3)

    def begin_step(self, step: int) -> None:
        """Take the step's numbers from the table."""
        self.now.copy_(self.table[step])

    def steer(self, rates: Tensor, momenta: Tensor) -> None:
        """Replace the step's learning rates and momenta [e]."""
        self.now[0, :, 0] = rates
        self.now[1, :, 0] = momenta

    def update(self, losses: Tensor) -> None:
        """One step of every slot, with mean losses [e]; where there are answers, these are replaced by theirs."""
        if self.optimizer.whole:
            self.loss.copy_(losses.unsqueeze(1))
            self.data_loss.copy_(self.loss)
        for slots, rate, decay, factors in self.blocks:
            if factors is not None:
                torch.mul(rate, factors, out=slots.columns["rate"])
            if decay is not None:
                self._decay(slots, decay)
            self.optimizer.update(slots)
        if self.optimizer.answer is not None:
            losses.copy_(self.data_loss.squeeze(1))

    def _decay(self, slots: Slots, decay: Tensor) -> None:
        """Take weight decay into the gradient, or beside it into the parameters, and into the loss where it is read."""
        if self.optimizer.decoupled:
            slots.parameters.addcmul_(slots.parameters, slots.columns["rate"] * decay, value=-1)
            return
        if self.optimizer.whole:
            slots.loss.add_((slots.parameters.double().square() * decay).sum(1, keepdim=True), alpha=0.5)
        slots.gradient.addcmul_(slots.parameters, decay)


def _blocks(
    rows: Rows, columns: Mapping[str, Tensor], losses: tuple[Tensor, Tensor], *, whole: bool
) -> Iterator[Block]:
    """The group in blocks of whole slots, or of parts of one, that fit a cache; as one where it must be whole."""
    slots, parameters = rows.parameters.shape
    height = slots if whole else max(1, BLOCK // parameters)
    width = parameters if whole or parameters <= BLOCK else BLOCK
    for top in range(0, slots, height):
        for left in range(0, parameters, width):
            box = (slice(top, top + height), slice(left, left + width))
            own = {name: column[box[0]] for name, column in columns.items()}
            rate, decay, factors = own["rate"], *(part if part is None else _cut(part, box) for part in rows[4:])
            if factors is not None:
                own["rate"] = torch.empty_like(factors)
            state = {name: _cut(buffer, box) for name, buffer in rows.state.items()}
            block = Slots(rows.parameters[box], rows.gradient[box], state, own, *(loss[box[0]] for loss in losses))
            yield Block(block, rate, decay, factors)


def _cut(columns: Tensor, box: tuple[slice, slice]) -> Tensor:
    """The box's part of [e, P], or of [e, 1]."""
    return columns[box] if columns.shape[1] > 1 else columns[box[0]]
