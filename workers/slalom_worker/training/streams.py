"""The random numbers of a trial: each is drawn from the trial's own seeds and from nothing else.

A stream is named by (seed, epoch, ...), so that no generator has to be kept while a trial is parked, and no draw
depends on a neighbour, on the slot or on what was drawn before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from slalom.wire.seeds import derive

if TYPE_CHECKING:
    from torch import Tensor

DRAWN_AHEAD = 1 << 16
"""Mask entries of a layer that a slot draws at once; a constant, so that the stream depends on the program alone."""


def bag(seed: int, count: int) -> Tensor:
    """A bootstrap sample [count] of `count` examples: drawn evenly, with replacement."""
    return torch.randint(count, (count,), generator=torch.Generator().manual_seed(derive(seed, "bag")))


def order(
    seed: int, epoch: int, count: int, cumulated: Tensor | None, generator: torch.Generator | None = None
) -> Tensor:
    """The examples [count] that a trial meets in an epoch: a permutation, or draws with replacement.

    cumulated: probabilities [count] float64 to draw by, cumulated, or None for a permutation (of a bag's entries,
        where the trial has a bag)
    generator: seeded here before it draws, so that its state is no matter; a caller with many orders spares making one
        for each, about a third of the time that a short order takes
    """
    generator = (generator or torch.Generator()).manual_seed(derive(seed, epoch))
    if cumulated is None:
        return torch.randperm(count, generator=generator)
    draws = torch.rand(count, dtype=torch.float64, generator=generator)
    return torch.searchsorted(cumulated, draws, right=True).clamp_(max=count - 1)


def sample(
    seed: int, epoch: int, count: int, cumulated: Tensor | None, generator: torch.Generator | None = None
) -> Tensor:
    """The examples [count] from which a trial takes a sample before an epoch: a sample of k is the first k of them.

    They are drawn as `order` draws, from a stream of their own.
    """
    return order(derive(seed, "sample"), epoch, count, cumulated, generator)


def kept(draws: Tensor, rates: Tensor) -> Tensor:
    """Dropout masks of draws in [0, 1), by rates in [0, 1]: 1 / (1 - rate) or 0, and 0 all over at rate 1."""
    return (draws >= rates).to(draws.dtype).div_((1 - rates).masked_fill_(rates == 1, 1))


class Masks:
    """The masks of one dropout layer through an epoch, for all slots of a pack."""

    def __init__(self, rates: Tensor, seeds: list[int], shape: tuple[int, ...], batch: int) -> None:
        """rates: dropout rates [E] on the device, in the pack's precision; seeds: E, each of a slot, epoch and layer.

        shape: of one example's activations; batch: examples in a step
        """
        self.rates = rates.view(-1, *(1 for _ in shape), 1)
        self.shape = (batch, *shape)
        self.ahead = max(1, DRAWN_AHEAD // max(1, torch.Size(self.shape).numel()))
        self.generators = [
            torch.Generator(rates.device).manual_seed(seed) if rate > 0 else None
            for seed, rate in zip(seeds, rates.tolist(), strict=True)
        ]
        self.masks = rates.new_empty(0)

    def draw(self, step: int) -> Tensor:
        """The masks [E, B, *shape] of a step: 1 / (1 - rate) or 0. Steps must be asked for in their order, from 0."""
        if step % self.ahead == 0:
            self.masks = self._fill()
        return self.masks[step % self.ahead]

    def _fill(self) -> Tensor:
        """The masks of the next steps [ahead, E, B, *shape]; all 1 in a slot without dropout."""
        size = (self.ahead, *self.shape)
        draws = torch.ones(size[0], len(self.generators), *self.shape, dtype=self.rates.dtype, device=self.rates.device)
        for slot, generator in enumerate(self.generators):
            if generator is not None:
                draws[:, slot] = torch.rand(size, dtype=draws.dtype, device=draws.device, generator=generator)
        return kept(draws, self.rates)
