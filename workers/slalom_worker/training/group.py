"""The slots of a pack that one optimizer updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from slalom_worker.optimizers import Block

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from slalom_worker.optimizers import Optimizer

BLOCK_PARAMETERS = {"cpu": 1 << 14}
"""Parameters that an optimizer updates at once, by the kind of device: with their gradient and the optimizer's buffers
they fit a core's cache. On other kinds all are updated at once, since each operation on a block is a launch on a GPU.
"""


class SlotTensors(NamedTuple):
    """The tensors of the e slots that a group updates; the group writes to them.

    parameters, gradient: [e, P]
    state: the optimizer's buffers, [e, P], or [e, 1] float64 for its scalars
    hyperparameters: [e] float64
    decay: weight decay [e, 1] or [e, P], or None where no slot has any
    factors: factors of the learning rate [e, P], or None where no layer has a rate of its own
    """

    parameters: Tensor
    gradient: Tensor
    state: Mapping[str, Tensor]
    hyperparameters: Mapping[str, Tensor]
    decay: Tensor | None
    factors: Tensor | None


class PlacedBlock(NamedTuple):
    """A block of whole slots, or of a part of one slot, with its learning rates and weight decay.

    rate: learning rates [e, 1]
    decay: weight decay [e, 1] or [e, c], or None
    factors: factors of the learning rates [e, c], or None
    """

    block: Block
    rate: Tensor
    decay: Tensor | None
    factors: Tensor | None


class Group:
    """Updates e neighbouring slots of a pack with one optimizer.

    current: each slot's learning rate, momentum and `Optimizer.columns` at this step, [columns, e, 1]
    table: the same for every step of the epoch, [steps, columns, e, 1]
    """

    def __init__(self, optimizer: Optimizer, place: slice, tensors: SlotTensors) -> None:
        """place: the slots' rows in the pack."""
        self.optimizer = optimizer
        self.place = place
        self.hyperparameters = tensors.hyperparameters
        self.names = ("rate", "momentum", *optimizer.columns)
        slots = len(tensors.parameters)
        self.current = tensors.parameters.new_zeros(len(self.names), slots, 1)
        self.table = self.current.unsqueeze(0)
        fixed = {name: column.to(self.current.dtype).unsqueeze(1) for name, column in tensors.hyperparameters.items()}
        columns = {**fixed, **dict(zip(self.names, self.current, strict=True))}
        self.loss = tensors.parameters.new_zeros(slots, 1, dtype=torch.float64)
        self.data_loss = torch.zeros_like(self.loss)
        losses = (self.loss, self.data_loss)
        self.blocks = list(_blocks(tensors, columns, losses, whole=optimizer.whole))

    def begin_epoch(self, counts: Tensor, rates: Tensor, momenta: Tensor) -> None:
        """Make the epoch's table.

        counts: the number of each update, 1 at a trial's first; counts, rates, momenta: [steps, e] float64
        """
        own = (column(counts, self.hyperparameters) for column in self.optimizer.columns.values())
        columns = [column.expand_as(counts) for column in (rates, momenta, *own)]
        self.table = torch.stack(columns, dim=1).to(self.current.dtype).unsqueeze(3)

    def begin_step(self, step: int) -> None:
        """Copy the step's numbers from the epoch's table."""
        self.current.copy_(self.table[step])

    def set_rates_and_momenta(self, rates: Tensor, momenta: Tensor) -> None:
        """Replace the step's learning rates and momenta [e]."""
        self.current[0, :, 0] = rates
        self.current[1, :, 0] = momenta

    def update(self, losses: Tensor) -> None:
        """Update every slot by one step.

        losses: mean losses [e]; where the optimizer has an answer, they are overwritten with the answers' losses
        """
        if self.optimizer.whole:
            self.loss.copy_(losses.unsqueeze(1))
            self.data_loss.copy_(self.loss)
        for block, rate, decay, factors in self.blocks:
            if factors is not None:
                torch.mul(rate, factors, out=block.columns["rate"])
            if decay is not None:
                self._decay(block, decay)
            self.optimizer.update(block)
        if self.optimizer.answer is not None:
            losses.copy_(self.data_loss.squeeze(1))

    def _decay(self, block: Block, decay: Tensor) -> None:
        """Add weight decay to the gradient, and to the loss if the optimizer is whole; decoupled, shrink parameters."""
        if self.optimizer.decoupled:
            block.parameters.addcmul_(block.parameters, block.columns["rate"] * decay, value=-1)
            return
        if self.optimizer.whole:
            block.loss.add_((block.parameters.double().square() * decay).sum(1, keepdim=True), alpha=0.5)
        block.gradient.addcmul_(block.parameters, decay)


def _blocks(
    tensors: SlotTensors, columns: Mapping[str, Tensor], losses: tuple[Tensor, Tensor], *, whole: bool
) -> Iterator[PlacedBlock]:
    """The group's blocks, each of whole slots or of a part of one slot, that fit a cache; a single block if `whole`."""
    slots, parameters = tensors.parameters.shape
    most = BLOCK_PARAMETERS.get(tensors.parameters.device.type, tensors.parameters.numel())
    height = slots if whole else max(1, most // parameters)
    width = parameters if whole or parameters <= most else most
    for top in range(0, slots, height):
        for left in range(0, parameters, width):
            box = (slice(top, top + height), slice(left, left + width))
            own = {name: column[box[0]] for name, column in columns.items()}
            decay, factors = (None if part is None else _cut(part, box) for part in (tensors.decay, tensors.factors))
            rate = own["rate"]
            if factors is not None:
                own["rate"] = torch.empty_like(factors)
            state = {name: _cut(buffer, box) for name, buffer in tensors.state.items()}
            block = Block(
                tensors.parameters[box], tensors.gradient[box], state, own, *(loss[box[0]] for loss in losses)
            )
            yield PlacedBlock(block, rate, decay, factors)


def _cut(columns: Tensor, box: tuple[slice, slice]) -> Tensor:
    """The part of a tensor [e, P] that lies in the box, or the box's rows of a tensor [e, 1]."""
    return columns[box] if columns.shape[1] > 1 else columns[box[0]]
