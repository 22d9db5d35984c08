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
    state: the optimizer's buffers, [e, P]
    hyperparameters: [e] float64
    decay: weight decay [e, 1] or [e, P], or None where no slot decays
    """

    parameters: Tensor
    gradient: Tensor
    state: Mapping[str, Tensor]
    hyperparameters: Mapping[str, Tensor]
    decay: Tensor | None


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
        self.blocks = list(_blocks(rows, columns))

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

    def update(self) -> None:
        """One step of every slot."""
        for slots, decay in self.blocks:
            if decay is not None:
                slots.gradient.addcmul_(slots.parameters, decay)
            self.optimizer.update(slots)


def _blocks(rows: Rows, columns: Mapping[str, Tensor]) -> Iterator[tuple[Slots, Tensor | None]]:
    """The group in blocks of whole slots, or of parts of one, with their weight decay."""
    slots, parameters = rows.parameters.shape
    height = max(1, BLOCK // parameters)
    width = parameters if parameters <= BLOCK else BLOCK
    for top in range(0, slots, height):
        for left in range(0, parameters, width):
            box = (slice(top, top + height), slice(left, left + width))
            own = Slots(
                rows.parameters[box],
                rows.gradient[box],
                {name: buffer[box] for name, buffer in rows.state.items()},
                {name: column[box[0]] for name, column in columns.items()},
            )
            decay = rows.decay
            yield own, decay if decay is None else decay[box] if decay.shape[1] > 1 else decay[box[0]]
