"""Augments the pictures that the slots of a pack train on: each slot's by its own augmentations, many slots at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from slalom.wire.kinds import parts_of
from slalom.wire.seeds import derive
from slalom_worker.augmentation import Draws, Given
from slalom_worker.augmentation.draws import mix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from slalom_worker.augmentation import Augmentation
    from slalom_worker.net.objective import Objective
    from slalom_worker.training.slot import Slot


class Change(NamedTuple):
    """One augmentation of the e slots of a group.

    stream: the name of its random stream within a slot: the augmentation's name, and its number among those of the
        same name, so that another augmentation before it changes no draw
    options: the study's options for it, each [e, 1] float64
    learned: see Given.learned
    """

    stream: tuple[str, int]
    augmentation: Augmentation
    options: Mapping[str, Tensor]
    learned: Tensor | None


class AugmentedGroup:
    """Slots of a pack with augmentations of the same names in the same order."""

    def __init__(self, slots: Sequence[Slot], rows: Sequence[int], objective: Objective) -> None:
        """slots: the group's slots; rows: the slots' places in the pack."""
        self.slots = slots
        self.rows = torch.tensor(rows, device=objective.device)
        self.view = objective.view
        self.size = (self.view.seen[-2], self.view.seen[-1])
        each = [_parts(slot) for slot in slots]
        names = [part["method"] for part in each[0]]
        self.changes = []
        for place, name in enumerate(names):
            augmentation = objective.methods.augmentation[name]
            options = {
                option: torch.tensor([[own[place][option]] for own in each], dtype=torch.float64).to(objective.device)
                for option in augmentation.parameters
            }
            learned = None
            if augmentation.learn is not None:
                learned = torch.stack([one for slot in slots if (one := slot.split.learned(augmentation)) is not None])
            self.changes.append(Change((name, names[:place].count(name)), augmentation, options, learned))
        self.keys: list[Tensor] = []

    def begin_epoch(self) -> None:
        """Set the keys of the random streams to the slots' present epochs."""
        self.keys = [self._keys(change.stream) for change in self.changes]

    def change(self, inputs: Tensor, examples: Tensor, uses: Tensor | None) -> Tensor:
        """What the nets see of inputs [e, B, *shape], augmented; examples, uses: see Draws."""
        pictures = self.view.pictures(inputs)
        for change, keys in zip(self.changes, self.keys, strict=True):
            if change.augmentation.change is not None:
                given = Given(Draws(keys, examples, uses), change.options, change.learned, self.size)
                pictures = change.augmentation.change(pictures, given)
        found = self.view.inputs(pictures)
        return found if tuple(pictures.shape[-2:]) == self.size else self.view.center(found)

    def _keys(self, stream: tuple[str, int]) -> Tensor:
        seeds = [derive(slot.trial.seeds.batches, "augmentation", *stream, slot.epoch) for slot in self.slots]
        return mix(torch.tensor(seeds).to(self.rows.device)).unsqueeze(1)


class Augmenter:
    """Makes what the nets of a pack see of their batches; whole inputs without augmentation pass unchanged."""

    def __init__(self, slots: Sequence[Slot], objective: Objective) -> None:
        self.view = objective.view
        self.repeating = any(slot.bag is not None or slot.presentation.cumulated is not None for slot in slots)
        each = [tuple(part["method"] for part in _parts(slot)) for slot in slots]
        self.groups = []
        for names in sorted(set(each) - {()}):
            rows = [row for row, own in enumerate(each) if own == names]
            self.groups.append(AugmentedGroup([slots[row] for row in rows], rows, objective))
        self.all = bool(self.groups) and len(self.groups[0].rows) == len(slots)

    def begin_epoch(self, orders: Tensor, size: int) -> Callable[[int, Tensor], Tensor]:
        """A function from a step and its inputs [E, B, *shape] to what the nets see.

        orders: each slot's examples in the order of the epoch [E, m]
        size: examples of a step
        """
        if not self.groups:
            return lambda _, inputs: self.view.center(inputs)
        for group in self.groups:
            group.begin_epoch()
        uses = used_before(orders) if self.repeating else None

        def change(step: int, inputs: Tensor) -> Tensor:
            place = slice(step * size, (step + 1) * size)
            return self._change(inputs, orders[:, place], None if uses is None else uses[:, place])

        return change

    def _change(self, inputs: Tensor, examples: Tensor, uses: Tensor | None) -> Tensor:
        if self.all:
            return self.groups[0].change(inputs, examples, uses)
        found = self.view.center(inputs).clone()
        for group in self.groups:
            rows = group.rows
            own = None if uses is None else uses[rows]
            found[rows] = group.change(inputs[rows], examples[rows], own)
        return found


def used_before(orders: Tensor) -> Tensor:
    """How often each example of orders [E, m] occurs earlier in its row [E, m]."""
    examples, places = orders.sort(dim=1, stable=True)
    count = torch.arange(orders.shape[1], device=orders.device).expand_as(orders)
    first = torch.ones_like(orders, dtype=torch.bool)
    first[:, 1:] = examples[:, 1:] != examples[:, :-1]
    begins = torch.where(first, count, 0).cummax(dim=1).values
    return torch.empty_like(orders).scatter_(1, places, count - begins)


def _parts(slot: Slot) -> list[dict[str, Any]]:
    """The augmentations in a slot's settings, with their options, without "none"."""
    return [part for part in parts_of(slot.settings["augmentation"], "method") if part["method"] != "none"]
