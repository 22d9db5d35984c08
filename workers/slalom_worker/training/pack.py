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


DRAWING_AHEAD = ("cuda",)
"""Kinds of devices that run behind the host: while they finish an epoch, the host draws the next epoch's orders."""


def on_device(orders: Sequence[Tensor], device: torch.device) -> Tensor:
    """Orders of examples, each [n] int64, side by side on the device [E, n] int64.

    They go to a GPU as int32, half the bytes, and from pinned memory, so that the host does not wait.
    """
    stacked = torch.stack(list(orders))
    if device.type == "cpu":
        return stacked
    return stacked.to(torch.int32).pin_memory().to(device, non_blocking=True).long()


class Weighting(NamedTuple):
    """How much the examples of an epoch count in the slots' losses.

    weights: the factor of each training example's loss [E, n], or None where every factor is 1
    focus: see Batch.focus
    """

    weights: Tensor | None = None
    focus: Tensor | None = None

    def of(self, orders: Tensor, size: int) -> Iterator[Tensor | None]:
        """The weights [E, B] of every step's examples, or None for each step; orders: the slots' examples [E, n]."""
        if self.weights is None:
            return repeat(None)
        return (part.contiguous() for part in torch.split(self.weights.gather(1, orders), size, dim=1))


class Pack:
    """Slots of one pack key. The number of slots changes between epochs; a trial's numbers do not depend on it.

    slots: the seated slots, sorted by optimizer
    steps: how many steps the pack has trained so far, with whatever slots
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
        self._drawn: dict[tuple[object, ...], Tensor] = {}

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
        self._drawn = self._drawn if self.slots else {}

    @torch.no_grad()
    def advance(self) -> None:
        """Train every slot one epoch."""
        batching = self.objective.batching
        self._note_misses()
        self._present()
        masks = self._masks()
        epoch = self.stack.begin_epoch(batching.steps)
        self._renew_curvature()
        loss = torch.zeros_like(self.stack.clock["step"])
        for step, batch in enumerate(self._batches(masks)):
            loss.add_(self._step(epoch, step, batch), alpha=batch.labels.shape[1])
        self._draw_ahead()
        self.stack.clock["step"].add_(batching.steps)
        for slot, mean in zip(self.slots, (loss / batching.examples).tolist(), strict=True):
            slot.epoch += 1
            slot.loss = slot.loss if slot.stopped else mean
        self._note_validation()

    @torch.no_grad()
    def rehearse(self, steps: int) -> None:
        """Train this many steps, each on the first examples, to be timed. The slots' clocks and epochs stand still."""
        size = self.objective.batching.size
        first = torch.arange(size, device=self.objective.device).repeat(len(self.slots), 1)
        epoch = self.stack.begin_epoch(steps)
        seen = self._augmenter.begin_epoch(first, size)
        for step in range(steps):
            ((inputs, labels),) = self.train.batches(first, size)
            masks = self._masks()(0) if self.objective.device.type != "cpu" else {}  # they must fit a GPU's memory
            self._step(epoch, step, Batch(seen(0, inputs), labels, masks))

    @torch.no_grad()
    def rehearse_evaluation(self) -> None:
        """Evaluate every slot on its validation examples, to see whether that fits the memory."""
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
        """Note the validation loss of the slots that may stop early and have not stopped yet."""
        slots = {row: slot for row, slot in enumerate(self.slots) if slot.stops_early and not slot.stopped}
        if slots:
            part = side_by_side([slot.split.validation for slot in slots.values()])
            state = {name: tensor[[*slots]] for name, tensor in self.stack.state.items()}
            losses, *_ = self.objective.outcomes(self.stack.parameters[[*slots]], part, state)
            for slot, loss in zip(slots.values(), part.mean(losses).tolist(), strict=True):
                slot.note_validation(loss)

    def _note_misses(self) -> None:
        """Update the misses of the slots whose emphasis reads the net."""
        stack = self.stack
        if stack.readers:
            part = side_by_side([self.slots[row].split.train for row in stack.readers])
            state = {name: tensor[stack.readers] for name, tensor in stack.state.items()}
            _, wrong = self.objective.outcomes(stack.parameters[stack.readers], part, state)
            for row, own in zip(stack.readers, wrong, strict=True):
                self.slots[row].note_misses(own)

    def _present(self) -> None:
        """Update the presentations of the slots that have weights, and the weighting: weights may change each epoch."""
        weighing = [slot for slot in self.slots if slot.emphasis.weights is not None]
        for slot in weighing:
            slot.present()
        if weighing:
            self._weighting = self._weigh()

    def _weigh(self) -> Weighting:
        """The weighting by the slots' presentations."""
        each = [slot.presentation.weights for slot in self.slots]
        focus = [slot.settings["emphasis"].get("focus", 0.0) for slot in self.slots]
        weights = None
        if any(one is not None for one in each):
            ones = torch.ones(self.objective.count, dtype=torch.float64)
            stacked = torch.stack([ones if one is None else one for one in each])
            weights = stacked.to(self.objective.dtype).to(self.objective.device)
        return Weighting(weights, column(self.objective, focus).unsqueeze(1) if any(focus) else None)

    def _renew_curvature(self) -> None:
        """Estimate the curvature for slots whose optimizer uses it, each from a sample of the slot's own stream."""
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
                group *= 2  # a single product would be split over threads, where there are any, and round differently
            parameters = torch.stack([slot.tensors["parameters"] for slot, _ in group])
            index = torch.stack([sample for _, sample in group]).to(self.objective.device)
            part = side_by_side([slot.split.train for slot, _ in group])
            for (slot, _), found in zip(group, self.objective.curvature(parameters, index, part), strict=True):
                slot.tensors["curvature"].copy_(found)

    def _batches(self, masks: Callable[[int], dict[str, Tensor]]) -> Iterator[Batch]:
        """The batch of every step of this epoch; the last batch may be smaller."""
        size, examples = self.objective.batching
        found, self._drawn = self._drawn, {}
        orders = on_device([self._order(slot, found) for slot in self.slots], self.objective.device)[:, :examples]
        seen = self._augmenter.begin_epoch(orders, size)
        steps = zip(self.train.batches(orders, size), self._weighting.of(orders, size), strict=False)
        for step, ((inputs, labels), weights) in enumerate(steps):
            yield Batch(seen(step, inputs), labels, masks(step), weights, self._weighting.focus)

    def _draw_ahead(self) -> None:
        """Draw the next epoch's orders for slots that have a next epoch and draw permutations, not by probabilities."""
        if self.objective.device.type in DRAWING_AHEAD:
            for slot in self.slots:
                if slot.epoch + 1 < slot.trial.epochs and slot.presentation.cumulated is None:
                    self._order(slot, self._drawn, ahead=1)

    def _order(self, slot: Slot, found: dict[tuple[object, ...], Tensor], ahead: int = 0) -> Tensor:
        """One slot's order of examples [n] in its present epoch.

        found: orders that were drawn already, to which a new one is added: trials of several arms have the same
        ahead: 1 for the next epoch's order
        """
        count, cumulated = self.objective.count, slot.presentation.cumulated
        if self.objective.batching.size == count and cumulated is None:
            return slot.examples(torch.arange(count))  # all at once: there is nothing to shuffle
        seed, epoch = slot.trial.seeds.batches, slot.shuffled_at(ahead)
        key = (seed, epoch, id(cumulated))
        if key not in found:
            found[key] = streams.order(seed, epoch, count, cumulated, self._generator)
        return slot.examples(found[key])

    def _masks(self) -> Callable[[int], dict[str, Tensor]]:
        """A function from the step to the masks [E, B, ...] of the dropout layers that drop anything."""
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
