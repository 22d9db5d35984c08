"""The random numbers of a trial: each is drawn from the trial's own seeds and from nothing else.

A stream is named by (seed, epoch, ...), so that no generator has to be kept while a trial is parked, and no draw
depends on a neighbour, on the slot or on what was drawn before.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import torch

from slalom.wire.seeds import derive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

DRAWN_AHEAD = 1 << 16
"""About how many mask entries of a layer a slot draws at once; a constant, so that streams depend on the program alone.
"""

OWN_GENERATORS = ("cpu",)
"""Kinds of devices on which each slot draws its masks by a generator of its own; on others all slots draw at once."""

STRIDE, FIRST, SECOND = -0x61C8864680B583EB, -0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15
"""SplitMix64's constants, as numbers of 64 bits with a sign."""


def bag(seed: int, count: int) -> Tensor:
    """A bootstrap sample [count] of `count` examples: drawn evenly, with replacement."""
    return torch.randint(count, (count,), generator=torch.Generator().manual_seed(derive(seed, "bag")))


def order(
    seed: int, epoch: int, count: int, cumulated: Tensor | None, generator: torch.Generator | None = None
) -> Tensor:
    """The examples [count] that a trial meets in an epoch: a permutation, or draws with replacement.

    cumulated: probabilities [count] float64 to draw by, cumulated, or None for a permutation (of a bag's entries,
        where the trial has a bag)
    generator: seeded before it draws, so that its state does not matter; reusing one saves a caller with many orders
        about a third of the time of a short order
    """
    generator = (generator or torch.Generator()).manual_seed(derive(seed, epoch))
    if cumulated is None:
        return torch.randperm(count, generator=generator)
    draws = torch.rand(count, dtype=torch.float64, generator=generator)
    return torch.searchsorted(cumulated, draws, right=True).clamp_(max=count - 1)


def sample(
    seed: int, epoch: int, count: int, cumulated: Tensor | None, generator: torch.Generator | None = None
) -> Tensor:
    """The examples [count] of which a trial's sample of k before an epoch is the first k.

    They are drawn as by `order`, from a stream of their own.
    """
    return order(derive(seed, "sample"), epoch, count, cumulated, generator)


def kept(draws: Tensor, rates: Tensor) -> Tensor:
    """Dropout masks from draws in [0, 1) and rates in [0, 1]: 1 / (1 - rate) or 0, and 0 everywhere at rate 1."""
    return (draws >= rates).to(draws.dtype).div_((1 - rates).masked_fill_(rates == 1, 1))


def uniform(seeds: Tensor, first: int, count: int, dtype: torch.dtype) -> Tensor:
    """Numbers [E, count] in [0, 1) of slots' streams, from the position `first` on, for all slots at once.

    seeds: [E] int64; dtype: float32 or float64
    A number depends on its slot's seed and its position alone, and is the same on every device.
    Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators", SplitMix64.
    """
    digits = 53 if dtype == torch.float64 else 24
    places = torch.arange(first + 1, first + count + 1, device=seeds.device)
    mixed = seeds.unsqueeze(1) + places * STRIDE
    mixed = (mixed ^ _shifted(mixed, 30)) * FIRST
    mixed = (mixed ^ _shifted(mixed, 27)) * SECOND
    return _shifted(mixed ^ _shifted(mixed, 31), 64 - digits).to(dtype).mul_(2.0**-digits)


def _shifted(numbers: Tensor, by: int) -> Tensor:
    """The bits of int64 numbers shifted to the right, with zeros shifted in."""
    return (numbers >> by) & ((1 << (64 - by)) - 1)


class Masks:
    """The masks of one dropout layer through an epoch, for all slots of a pack."""

    def __init__(self, rates: Tensor, seeds: Sequence[int | None], shape: tuple[int, ...], batch: int) -> None:
        """rates: dropout rates [E] on the device, in the pack's precision.

        seeds: one for each slot, of this epoch and layer; None for a slot that drops nothing
        shape: the shape of one example's mask; batch: examples in a step
        """
        self.rates = rates.view(-1, *(1 for _ in shape), 1)
        self.shape = (batch, *shape)
        self.at_once = rates.device.type not in OWN_GENERATORS
        self.ahead = 1 if self.at_once else max(1, DRAWN_AHEAD // max(1, torch.Size(self.shape).numel()))
        self.seeds = seeds
        self.masks = rates.new_empty(0)
        self._steps = 0

    def draw(self, step: int) -> Tensor:
        """The masks [E, B, *shape] of a step: 1 / (1 - rate) or 0. Steps must be asked for in their order, from 0."""
        if step % self.ahead == 0:
            draws = self._all_slots() if self.at_once else self._slot_by_slot()
            self.masks = kept(draws, self.rates)
        return self.masks[step % self.ahead]

    @cached_property
    def _generators(self) -> list[torch.Generator | None]:
        return [None if seed is None else torch.Generator().manual_seed(seed) for seed in self.seeds]

    @cached_property
    def _seeds(self) -> Tensor:
        """The seeds on the device [E]; slots that drop nothing have 0, and their draws are not used."""
        signed = [0 if seed is None else (seed ^ 1 << 63) - (1 << 63) for seed in self.seeds]
        return torch.tensor(signed, dtype=torch.int64, device=self.rates.device)

    def _slot_by_slot(self) -> Tensor:
        """Draws for the next steps [ahead, E, B, *shape], each slot's by its own generator; 1 where it has none."""
        size = (self.ahead, *self.shape)
        draws = torch.ones(size[0], len(self.seeds), *self.shape, dtype=self.rates.dtype)
        for slot, generator in enumerate(self._generators):
            if generator is not None:
                draws[:, slot] = torch.rand(size, dtype=draws.dtype, generator=generator)
        return draws

    def _all_slots(self) -> Tensor:
        """Draws for the next step [1, E, B, *shape]: as many operations for a thousand slots as for one."""
        count = torch.Size(self.shape).numel()
        draws = uniform(self._seeds, self._steps * count, count, self.rates.dtype)
        self._steps += 1
        return draws.view(1, len(self.seeds), *self.shape)
