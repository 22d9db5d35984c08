"""The pack: E trials trained as one program, each with its own hyperparameters and its own random numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from slalom.seeds import derive
from slalom_worker import pace, streams
from slalom_worker.optimizers import OPTIMIZERS, Optimizer, Slots
from slalom_worker.schedules import Clock
from slalom_worker.slot import SCALARS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from slalom_worker.objective import Objective
    from slalom_worker.slot import Slot


class Group(NamedTuple):
    """The range of slots that one optimizer updates, with its buffers [e, P] and hyperparameters [e, 1]."""

    optimizer: Optimizer
    rows: slice
    state: dict[str, Tensor]
    hyperparameters: dict[str, Tensor]


class Pack:
    """Slots of one pack key. Their number changes between epochs; a trial's numbers do not depend on it."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.slots: list[Slot] = []

    def seat(self, slots: Sequence[Slot]) -> None:
        """Train these slots from now on, and no others."""
        self.slots = sorted(slots, key=lambda slot: str(slot.settings["optimizer"]))
        if self.slots:
            self._stack()

    def advance(self) -> None:
        """One epoch of every slot."""
        objective, count = self.objective, len(self.objective.train.labels)
        batches = self._batches(count)
        masks = self._masks(batches[0].shape[1])
        steps = self.clock["step"] + torch.arange(len(batches), device=objective.device).unsqueeze(1)
        clock = Clock(steps, self.total_steps, torch.ones_like(steps))
        rates, momenta = self.rates.epoch(clock), self.momenta.epoch(clock)
        loss = torch.zeros_like(self.clock["step"])
        for step, index in enumerate(batches):
            losses, gradient = objective.gradient(self.leaves, index, masks(step))
            loss += losses.double() * index.shape[1]
            self._correct(rates[step], momenta[step], gradient)
            self._update(gradient, rates[step], momenta[step])
            self.clock["step"] += 1
        for slot, mean in zip(self.slots, (loss / count).tolist(), strict=True):
            slot.epoch += 1
            slot.loss = mean

    def _update(self, gradient: Tensor, rate: Tensor, momentum: Tensor) -> None:
        """One step of every slot's optimizer, from gradients [E, P]."""
        if self.decay is not None:
            gradient.add_(self.decay * self.parameters)
        rate, momentum = (column.to(gradient.dtype).unsqueeze(1) for column in (rate, momentum))
        step = self.clock["step"].unsqueeze(1) + 1
        for optimizer, rows, state, hyperparameters in self.groups:
            columns = (rate[rows], momentum[rows], step[rows])
            optimizer.update(Slots(self.parameters[rows], gradient[rows], state, *columns, hyperparameters))

    def _correct(self, rate: Tensor, momentum: Tensor, gradient: Tensor) -> None:
        """Let the schedules that read the gradient do so."""
        if not (self.rates.reads_gradient or self.momenta.reads_gradient):
            return
        step, smoothed, largest = (self.clock[name] for name in SCALARS)
        ratio = pace.gradient_ratio(gradient, smoothed, largest, step)
        clock = Clock(step, self.total_steps, ratio)
        self.rates.correct(rate, clock)
        self.momenta.correct(momentum, clock)

    def _batches(self, count: int) -> Sequence[Tensor]:
        """The examples of every step of this epoch, each [E, B]; the last batch may be smaller."""
        size = self.objective.work.batch_size or count
        orders = torch.stack([self._order(slot, count, size) for slot in self.slots]).to(self.objective.device)
        return torch.split(orders, size, dim=1)

    def _order(self, slot: Slot, count: int, size: int) -> Tensor:
        if size >= count and slot.cumulated is None:
            return torch.arange(count)  # all at once: there is nothing to shuffle
        return streams.order(slot.trial.seeds.batches, slot.epoch, count, slot.cumulated)

    def _masks(self, batch: int) -> Callable[[int], dict[str, Tensor]]:
        """A function from the step to every dropout layer's masks, [E, B, ...] or, where nothing is dropped, [E]."""
        still = self.objective.no_masks(len(self.slots))
        drawn = {
            name: streams.Masks(
                self.dropout[name],
                [derive(slot.trial.seeds.dropout, slot.epoch, name) for slot in self.slots],
                self.objective.dropouts[name].shape,
                batch,
            )
            for name in self.dropout
        }
        sizes = self._batch_sizes(batch)
        return lambda step: still | {name: masks.draw(step)[:, : sizes(step)] for name, masks in drawn.items()}

    def _batch_sizes(self, batch: int) -> Callable[[int], int]:
        count = len(self.objective.train.labels)
        return lambda step: min(batch, count - step * batch)

    def _stack(self) -> None:
        """Lay the slots' tensors side by side and make the slots' own tensors views of them."""
        objective, settings = self.objective, [slot.settings for slot in self.slots]
        self.parameters = self._side_by_side("parameters", slice(None))
        self.leaves = objective.leaves(self.parameters)
        self.clock = {name: self._side_by_side(name, slice(None)) for name in SCALARS}
        self.rates = pace.learning_rates(settings, objective.device)
        self.momenta = pace.momenta(settings, objective.device)
        self.groups = list(self._groups())
        self.decay = self._decay()
        rates = objective.rates([dict(one) for one in settings])
        self.dropout = {name: self._column(column) for name, column in rates.items() if any(column)}
        batch = objective.work.batch_size or len(objective.train.labels)
        per_epoch = -(-len(objective.train.labels) // batch)
        self.total_steps = self.clock["step"].new_tensor([slot.trial.epochs * per_epoch for slot in self.slots])

    def _side_by_side(self, name: str, rows: slice) -> Tensor:
        slots = self.slots[rows]
        stacked = torch.stack([slot.tensors[name] for slot in slots])
        for slot, row in zip(slots, stacked, strict=True):
            slot.tensors[name] = row
        return stacked

    def _groups(self) -> Iterator[Group]:
        names = [slot.settings["optimizer"] for slot in self.slots]
        for name in sorted(set(names)):
            optimizer = OPTIMIZERS[name]
            rows = slice(names.index(name), names.index(name) + names.count(name))
            state = {buffer: self._side_by_side(buffer, rows) for buffer in optimizer.state}
            columns = {
                key: self._column([slot.settings[key] for slot in self.slots[rows]]).unsqueeze(1)
                for key in optimizer.hyperparameters
            }
            yield Group(optimizer, rows, state, columns)

    def _decay(self) -> Tensor | None:
        """Weight decay of every parameter [E, P], or None where no slot decays."""
        decay = self._column([slot.settings["weight_decay"] for slot in self.slots]).unsqueeze(1)
        if not decay.any():
            return None
        spared = [not slot.settings["decay_biases"] for slot in self.slots]
        mask = torch.tensor(spared, device=decay.device).unsqueeze(1) & self.objective.is_bias
        return decay.expand(-1, len(self.objective.is_bias)).masked_fill(mask, 0.0)

    def _column(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=self.objective.dtype, device=self.objective.device)
