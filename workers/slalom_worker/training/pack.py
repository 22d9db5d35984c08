"""The pack: E trials trained as one program, each with its own hyperparameters and its own random numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from slalom.wire.seeds import derive
from slalom_worker.net.examples import Batch
from slalom_worker.optimizers import OPTIMIZERS
from slalom_worker.regularizers import decay_factor
from slalom_worker.schedules import Clock
from slalom_worker.training import pace, streams
from slalom_worker.training.group import Group, Rows
from slalom_worker.training.presentation import reads_net
from slalom_worker.training.recording import note_gradients
from slalom_worker.training.slot import SCALARS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from slalom_worker.net.objective import Objective
    from slalom_worker.training.slot import Slot


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

    @torch.no_grad()
    def advance(self) -> None:
        """One epoch of every slot."""
        count = len(self.objective.train.labels)
        self._look()
        batches = self._batches(count)
        masks = self._masks(batches[0].shape[1])
        self._begin_epoch(len(batches))
        self._renew_curvature()
        loss = torch.zeros_like(self.clock["step"])
        weights, focus = self.emphasis
        for step, index in enumerate(batches):
            chosen = weights if weights is None else weights.gather(1, index)
            loss.add_(self._step(step, Batch(index, masks(step), chosen, focus)), alpha=index.shape[1])
        self.clock["step"] += len(batches)
        for slot, mean in zip(self.slots, (loss / count).tolist(), strict=True):
            slot.epoch += 1
            slot.loss = mean

    @torch.no_grad()
    def rehearse(self, steps: int) -> None:
        """Take steps for the time they take: the same first batch for all, and the slots' clocks stand still."""
        size = self.objective.work.batch_size or len(self.objective.train.labels)
        index = torch.arange(min(size, len(self.objective.train.labels)), device=self.objective.device)
        self._begin_epoch(steps)
        for step in range(steps):
            self._step(step, Batch(index.repeat(len(self.slots), 1), {}))

    def _step(self, step: int, batch: Batch) -> Tensor:
        """One step of every slot on its own examples; mean losses [E]."""
        losses = self.objective.gradient(self.weights, batch, self.gradients)
        if self.recording and step == len(self.steps) - 1:
            note_gradients(self.objective, self.slots, self.gradient)
        self._update(step, losses)
        return losses

    def _begin_epoch(self, steps: int) -> None:
        """Work out what the epoch's steps need of the slots' clocks."""
        self.steps = self.clock["step"] + torch.arange(steps, device=self.objective.device).unsqueeze(1)
        clock = Clock(self.steps, self.total_steps, torch.ones_like(self.steps))
        self.epoch_rates, self.epoch_momenta = self.rates.epoch(clock), self.momenta.epoch(clock)
        for group in self.groups:
            group.begin_epoch(
                *(part[:, group.place] for part in (self.steps + 1, self.epoch_rates, self.epoch_momenta))
            )

    def _renew_curvature(self) -> None:
        """Estimate it where the optimizer divides by it, each slot's from a sample of its own size and stream."""
        count = len(self.objective.train.labels)
        samples: dict[int, list[tuple[Slot, Tensor]]] = {}
        for slot in self.slots:
            if OPTIMIZERS[slot.settings["optimizer"]].curvature:
                drawn = streams.sample(slot.trial.seeds.batches, slot.epoch, count, slot.presentation.cumulated)
                sample = slot.examples(drawn[: slot.settings["sample"]])
                samples.setdefault(len(sample), []).append((slot, sample))
        for group in samples.values():
            if len(group) == 1:
                group *= 2  # a single product would be split over threads, where there are any, and round otherwise
            parameters = torch.stack([slot.tensors["parameters"] for slot, _ in group])
            index = torch.stack([sample for _, sample in group]).to(self.objective.device)
            for (slot, _), found in zip(group, self.objective.curvature(parameters, index), strict=True):
                slot.tensors["curvature"].copy_(found)

    @torch.inference_mode()
    def _update(self, step: int, losses: Tensor) -> None:
        """One step of every slot's optimizer."""
        for group in self.groups:
            group.begin_step(step)
        if self.rates.reads_gradient or self.momenta.reads_gradient:
            self._steer(step)
        for group in self.groups:
            group.update(losses[group.place])
        if self.objective.data.bound is not None:
            self.parameters.clamp_(-self.objective.data.bound, self.objective.data.bound)

    def _steer(self, step: int) -> None:
        """Let the schedules that read the gradient do so."""
        clock = self.steps[step]
        ratio = pace.gradient_ratio(self.gradient, self.clock["smoothed"], self.clock["largest"], clock)
        rates, momenta = self.epoch_rates[step], self.epoch_momenta[step]
        self.rates.correct(rates, Clock(clock, self.total_steps, ratio))
        self.momenta.correct(momenta, Clock(clock, self.total_steps, ratio))
        for group in self.groups:
            group.steer(rates[group.place], momenta[group.place])

    def _batches(self, count: int) -> Sequence[Tensor]:
        """The examples of every step of this epoch, each [E, B]; the last batch may be smaller."""
        size = self.objective.work.batch_size or count
        found: dict[tuple[object, ...], Tensor] = {}
        orders = torch.stack([self._order(slot, count, size, found) for slot in self.slots]).to(self.objective.device)
        return [part.contiguous() for part in torch.split(orders, size, dim=1)]

    def _order(self, slot: Slot, count: int, size: int, found: dict[tuple[object, ...], Tensor]) -> Tensor:
        """One slot's order of examples; trials of several arms have the same, which is `found` the second time."""
        cumulated = slot.presentation.cumulated
        if size >= count and cumulated is None:
            return slot.examples(torch.arange(count))  # all at once: there is nothing to shuffle
        key = (slot.trial.seeds.batches, slot.epoch, id(cumulated))
        if key not in found:
            found[key] = streams.order(slot.trial.seeds.batches, slot.epoch, count, cumulated)
        return slot.examples(found[key])

    def _look(self) -> None:
        """Let the emphases that read their net see which examples it gets wrong."""
        if self.readers:
            _, wrong = self.objective.outcomes(self.parameters[self.readers], self.objective.train)
            for row, own in zip(self.readers, wrong, strict=True):
                self.slots[row].look(own, self.objective.data.train.labels)
            self.emphasis = self._emphasis()

    def _emphasis(self) -> tuple[Tensor | None, Tensor | None]:
        """Weights of all examples [E, n] and focus [E, 1], each None where no slot has any."""
        each = [slot.presentation.weights for slot in self.slots]
        focus = [slot.settings["emphasis"].get("focus", 0.0) for slot in self.slots]
        weights = None
        if any(one is not None for one in each):
            ones = torch.ones(len(self.objective.train.labels), dtype=torch.float64)
            stacked = torch.stack([ones if one is None else one for one in each])
            weights = stacked.to(self.objective.device, self.objective.dtype)
        return weights, self._column(focus).unsqueeze(1) if any(focus) else None

    def _masks(self, batch: int) -> Callable[[int], dict[str, Tensor]]:
        """A function from the step to the dropout layers' masks, [E, B, ...], where anything is dropped."""
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
        return lambda step: {name: masks.draw(step)[:, : sizes(step)] for name, masks in drawn.items()}

    def _batch_sizes(self, batch: int) -> Callable[[int], int]:
        count = len(self.objective.train.labels)
        return lambda step: min(batch, count - step * batch)

    def _stack(self) -> None:
        """Lay the slots' tensors side by side and make the slots' own tensors views of them."""
        objective, settings = self.objective, [slot.settings for slot in self.slots]
        self.parameters = self._side_by_side("parameters", slice(None))
        self.gradient = torch.zeros_like(self.parameters)
        self.weights = list(objective.views(self.parameters).values())
        self.gradients = list(objective.views(self.gradient).values())
        self.clock = {name: self._side_by_side(name, slice(None)) for name in SCALARS}
        self.rates = pace.learning_rates(settings, objective.device)
        self.momenta = pace.momenta(settings, objective.device)
        self.groups = list(self._groups())
        self.readers = [row for row, one in enumerate(settings) if reads_net(one["emphasis"])]
        self.emphasis = self._emphasis()
        self.recording = any(slot.trial.record for slot in self.slots)
        rates = objective.rates(settings)
        self.dropout = {name: self._column(column) for name, column in rates.items() if any(column)}
        batch = objective.work.batch_size or len(objective.train.labels)
        per_epoch = -(-len(objective.train.labels) // batch)
        self.total_steps = self.clock["step"].new_tensor([slot.trial.epochs * per_epoch for slot in self.slots])

    def _side_by_side(self, name: str, place: slice) -> Tensor:
        slots = self.slots[place]
        stacked = torch.stack([slot.tensors[name] for slot in slots])
        for slot, row in zip(slots, stacked, strict=True):
            slot.tensors[name] = row
        return stacked

    def _groups(self) -> Iterator[Group]:
        names = [slot.settings["optimizer"] for slot in self.slots]
        for name in sorted(set(names)):
            optimizer = OPTIMIZERS[name]
            place = slice(names.index(name), names.index(name) + names.count(name))
            rows = Rows(
                self.parameters[place],
                self.gradient[place],
                {
                    **{buffer: self._side_by_side(buffer, place) for buffer in optimizer.state},
                    **{scalar: self._side_by_side(scalar, place).unsqueeze(1) for scalar in optimizer.scalars},
                },
                {
                    key: self._column([slot.settings[key] for slot in self.slots[place]], torch.float64)
                    for key in optimizer.hyperparameters
                },
                self._decay(self.slots[place]),
                self._factors(self.slots[place]),
            )
            yield Group(optimizer, place, rows)

    def _decay(self, slots: Sequence[Slot]) -> Tensor | None:
        """Weight decay of so many slots, [e, 1] or, where it spares the biases, [e, P]; None where there is none."""
        examples = len(self.objective.train.labels)
        decay = self._column([decay_factor(slot.settings["weight_decay"], examples) for slot in slots]).unsqueeze(1)
        if not decay.any():
            return None
        spared = torch.tensor([not slot.settings["decay_biases"] for slot in slots], device=decay.device).unsqueeze(1)
        if not spared.any():
            return decay
        return decay.expand(-1, len(self.objective.is_bias)).masked_fill(spared & self.objective.is_bias, 0.0)

    def _factors(self, slots: Sequence[Slot]) -> Tensor | None:
        """Of the learning rate [e, P], layer by layer; None where no layer has a rate of its own."""
        chosen = [slot.settings["layer_rates"] for slot in slots]
        if all(one == 1 for one in chosen):
            return None
        layers = self.objective.layer_of
        count = int(layers.max()) + 1
        each = [[one[str(n + 1)] if isinstance(one, Mapping) else one for n in range(count)] for one in chosen]
        return torch.tensor(each, dtype=self.objective.dtype, device=layers.device)[:, layers]

    def _column(self, values: Sequence[float], dtype: torch.dtype | None = None) -> Tensor:
        return torch.tensor(values, dtype=dtype or self.objective.dtype, device=self.objective.device)
