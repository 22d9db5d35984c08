"""The pack: E trials trained as one program, each with its own hyperparameters and its own random numbers."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

import torch

from slalom.wire.seeds import derive
from slalom_worker.net.examples import Batch, SideBySide, side_by_side
from slalom_worker.training import streams
from slalom_worker.training.augmenting import Augmenter
from slalom_worker.training.recording import note_gradients
from slalom_worker.training.stack import Stack, column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from slalom_worker.net.objective import Objective
    from slalom_worker.training.slot import Slot
    from slalom_worker.training.stack import EpochTable


def on_device(orders: Sequence[Tensor], device: torch.device) -> Tensor:
    """Orders of examples, each [n] int64, side by side on the device [E, n].

    For a GPU they cross in half the bytes, by memory from which they are copied while the host goes on.
    """
    stacked = torch.stack(list(orders))
    if device.type == "cpu":
        return stacked
    return stacked.to(torch.int32).pin_memory().to(device, non_blocking=True).long()


class Weighting(NamedTuple):
    """How much the examples of an epoch count in the slots' losses.

    weights: what each training example's loss is multiplied by [E, n], or None where every factor is 1
    focus: see Batch.focus
    """

    weights: Tensor | None = None
    focus: Tensor | None = None

    def of(self, orders: Tensor, size: int) -> Iterator[Tensor | None]:
        """The weights [E, B] of every step's examples, in the order in which the slots meet them [E, n]; or None."""
        if self.weights is None:
            return repeat(None)
        return (part.contiguous() for part in torch.split(self.weights.gather(1, orders), size, dim=1))


class Pack:
    """Slots of one pack key. Their number changes between epochs; a trial's numbers do not depend on it.

    slots: those that are seated, sorted by optimizer
    steps: how many were trained so far, by any slots
    """

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.slots: list[Slot] = []
        self.steps = 0
        self._stack: Stack | None = None
        self._train: SideBySide | None = None
        self._weighting = Weighting()
        self._augmenter = Augmenter([], objective)
        self._generator = torch.Generator()

    @property
    def stack(self) -> Stack:
        """The seated slots' tensors; RuntimeError where no slot is seated."""
        if self._stack is None:
            raise RuntimeError("a pack trains after slots are seated, but it has none")
        return self._stack

    @property
    def train(self) -> SideBySide:
        """The seated slots' training examples; RuntimeError where no slot is seated."""
        if self._train is None:
            raise RuntimeError("a pack has examples after slots are seated, but it has none")
        return self._train

    def seat(self, slots: Sequence[Slot]) -> None:
        """Train these slots from now on, and no others."""
        self.slots = sorted(slots, key=lambda slot: str(slot.settings["optimizer"]))
        self._stack = Stack.of(self.slots, self.objective) if self.slots else None
        self._train = SideBySide([slot.split.train for slot in self.slots]) if self.slots else None
        self._weighting = self._weigh()
        self._augmenter = Augmenter(self.slots, self.objective)

    @torch.no_grad()
    def advance(self) -> None:
        """Train every slot one epoch."""
        batching = self.objective.batching
        self._note_misses()
        masks = self._masks()
        epoch = self.stack.begin_epoch(batching.steps)
        self._renew_curvature()
        loss = torch.zeros_like(self.stack.clock["step"])
        for step, batch in enumerate(self._batches(masks)):
            loss.add_(self._step(epoch, step, batch), alpha=batch.labels.shape[1])
        self.stack.clock["step"].add_(batching.steps)
        for slot, mean in zip(self.slots, (loss / batching.examples).tolist(), strict=True):
            slot.epoch += 1
            slot.loss = slot.loss if slot.stopped else mean
        self._note_validation()

    @torch.no_grad()
    def rehearse(self, steps: int) -> None:
        """Train so many steps to be timed, each on the first examples. The slots' clocks and epochs stand still."""
        size = self.objective.batching.size
        first = torch.arange(size, device=self.objective.device).repeat(len(self.slots), 1)
        epoch = self.stack.begin_epoch(steps)
        seen = self._augmenter.begin_epoch(first, size)
        for step in range(steps):
            ((inputs, labels),) = self.train.batches(first, size)
            masks = self._masks()(0) if self.objective.device.type != "cpu" else {}  # a GPU's memory must hold them
            self._step(epoch, step, Batch(seen(0, inputs), labels, masks))

    @torch.no_grad()
    def rehearse_evaluation(self) -> None:
        """Evaluate every slot on its validation examples, to be seen to fit."""
        part = side_by_side([slot.split.validation for slot in self.slots])
        self.objective.outcomes(self.stack.parameters, part, self.stack.state)

    def _step(self, epoch: EpochTable, step: int, batch: Batch) -> Tensor:
        """Train every slot one step on its own examples, and return the mean losses [E]."""
        stack = self.stack
        losses = self.objective.gradient(stack.weights, batch, stack.gradients, stack.state)
        if stack.recording and step == len(epoch.done) - 1:
            note_gradients(self.objective, self.slots, stack.gradient)
        stack.update(epoch, step, losses)
        self.steps += 1
        return losses

    def _note_validation(self) -> None:
        """Measure the slots that stop early on their validation examples, but those that have stopped."""
        slots = {row: slot for row, slot in enumerate(self.slots) if slot.stops_early and not slot.stopped}
        if slots:
            part = side_by_side([slot.split.validation for slot in slots.values()])
            state = {name: tensor[[*slots]] for name, tensor in self.stack.state.items()}
            losses, *_ = self.objective.outcomes(self.stack.parameters[[*slots]], part, state)
            for slot, loss in zip(slots.values(), part.mean(losses).tolist(), strict=True):
                slot.note_validation(loss)

    def _note_misses(self) -> None:
        """Count misses for the slots whose emphasis reads the net, and weigh the examples anew."""
        stack = self.stack
        if stack.readers:
            part = side_by_side([self.slots[row].split.train for row in stack.readers])
            state = {name: tensor[stack.readers] for name, tensor in stack.state.items()}
            _, wrong = self.objective.outcomes(stack.parameters[stack.readers], part, state)
            for row, own in zip(stack.readers, wrong, strict=True):
                self.slots[row].note_misses(own)
            self._weighting = self._weigh()

    def _weigh(self) -> Weighting:
        """The weighting that the slots' presentations ask for."""
        each = [slot.presentation.weights for slot in self.slots]
        focus = [slot.settings["emphasis"].get("focus", 0.0) for slot in self.slots]
        weights = None
        if any(one is not None for one in each):
            ones = torch.ones(self.objective.count, dtype=torch.float64)
            stacked = torch.stack([ones if one is None else one for one in each])
            weights = stacked.to(self.objective.dtype).to(self.objective.device)
        return Weighting(weights, column(self.objective, focus).unsqueeze(1) if any(focus) else None)

    def _renew_curvature(self) -> None:
        """Estimate the curvature for optimizers that divide by it, each slot's from a sample of its own stream."""
        count = self.objective.count
        samples: dict[int, list[tuple[Slot, Tensor]]] = {}
        for slot in self.slots:
            if slot.optimizer.curvature:
                seed, cumulated = slot.trial.seeds.batches, slot.presentation.cumulated
                drawn = streams.sample(seed, slot.epoch, count, cumulated, self._generator)
                sample = slot.examples(drawn[: slot.settings["sample"]])
                samples.setdefault(len(sample), []).append((slot, sample))
        for group in samples.values():
            if len(group) == 1:
                group *= 2  # a single product would be split over threads, where there are any, and round otherwise
            parameters = torch.stack([slot.tensors["parameters"] for slot, _ in group])
            index = torch.stack([sample for _, sample in group]).to(self.objective.device)
            part = side_by_side([slot.split.train for slot, _ in group])
            for (slot, _), found in zip(group, self.objective.curvature(parameters, index, part), strict=True):
                slot.tensors["curvature"].copy_(found)

    def _batches(self, masks: Callable[[int], dict[str, Tensor]]) -> Iterator[Batch]:
        """What every step of this epoch trains on; the last batch may be smaller."""
        size, examples = self.objective.batching
        found: dict[tuple[object, ...], Tensor] = {}
        orders = on_device([self._order(slot, found) for slot in self.slots], self.objective.device)[:, :examples]
        seen = self._augmenter.begin_epoch(orders, size)
        steps = zip(self.train.batches(orders, size), self._weighting.of(orders, size), strict=False)
        for step, ((inputs, labels), weights) in enumerate(steps):
            yield Batch(seen(step, inputs), labels, masks(step), weights, self._weighting.focus)

    def _order(self, slot: Slot, found: dict[tuple[object, ...], Tensor]) -> Tensor:
        """One slot's order of examples; trials of several arms have the same, which is `found` the second time."""
        count, cumulated = self.objective.count, slot.presentation.cumulated
        if self.objective.batching.size == count and cumulated is None:
            return slot.examples(torch.arange(count))  # all at once: there is nothing to shuffle
        seed, epoch = slot.trial.seeds.batches, slot.shuffled_at
        key = (seed, epoch, id(cumulated))
        if key not in found:
            found[key] = streams.order(seed, epoch, count, cumulated, self._generator)
        return slot.examples(found[key])

    def _masks(self) -> Callable[[int], dict[str, Tensor]]:
        """A function from the step to the dropout layers' masks, [E, B, ...], where anything is dropped."""
        batching = self.objective.batching
        drawn = {
            name: streams.Masks(
                rates,
                [
                    derive(slot.trial.seeds.dropout, slot.epoch, name) if drops else None
                    for slot, drops in zip(self.slots, self.stack.dropping[name], strict=True)
                ],
                self.objective.forward.dropouts[name].shape,
                batching.size,
            )
            for name, rates in self.stack.dropout.items()
        }
        return lambda step: {name: masks.draw(step)[:, : batching.size_of(step)] for name, masks in drawn.items()}
