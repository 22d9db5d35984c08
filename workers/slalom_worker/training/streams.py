"""Every random number of a trial, drawn from its own seeds and from nothing else.

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


GENERATOR = torch.Generator()
"""Seeded anew for each order of examples; making one takes as long as a short draw."""


def bag(seed: int, count: int) -> Tensor:
    """A bootstrap sample [count] of so many examples: drawn evenly, with replacement."""
    return torch.randint(count, (count,), generator=GENERATOR.manual_seed(derive(seed, "bag")))


def order(seed: int, epoch: int, count: int, cumulated: Tensor | None) -> Tensor:
    """The examples [count] that a trial meets in an epoch: a permutation, or draws with replacement.

    Of a bag it is the permutation of the bag's entries.
    """
    generator = GENERATOR.manual_seed(derive(seed, epoch))
    if cumulated is None:
        return torch.randperm(count, generator=generator)
    draws = torch.rand(count, dtype=torch.float64, generator=generator)
    return torch.searchsorted(cumulated, draws, right=True).clamp_(max=count - 1)


def sample(seed: int, epoch: int, count: int, cumulated: Tensor | None) -> Tensor:
    """Examples [count], of which the first are a trial's sample before an epoch: drawn as its epochs are, but anew."""
    return order(derive(seed, "sample"), epoch, count, cumulated)


class Masks:
    """One dropout layer's masks through an epoch, for all slots of a pack: `draw(step)` gives [E, B, *shape]."""

    def __init__(self, rates: Tensor, seeds: list[int], shape: tuple[int, ...], batch: int) -> None:
        """rates: [E] on the device, in the pack's precision; seeds: [E], the epoch's and the layer's own."""
        self.rates = rates.view(-1, *(1 for _ in shape), 1)
        self.shape = (batch, *shape)
        self.ahead = max(1, DRAWN_AHEAD // max(1, torch.Size(self.shape).numel()))
        self.generators = [
            torch.Generator(rates.device).manual_seed(seed) if rate > 0 else None
            for seed, rate in zip(seeds, rates.tolist(), strict=True)
        ]
        self.masks = rates.new_empty(0)

    def draw(self, step: int) -> Tensor:
        """The masks of a step; steps must be asked for in their order, from 0."""
        if step % self.ahead == 0:
            self.masks = self._fill()
        return self.masks[step % self.ahead]

    def _fill(self) -> Tensor:
        """Masks [ahead, E, B, *shape]: 1 / (1 - rate) where kept, else 0; all 1 in a slot without dropout."""
        size = (self.ahead, *self.shape)
        draws = torch.ones(size[0], len(self.generators), *self.shape, dtype=self.rates.dtype, device=self.rates.device)
        for slot, generator in enumerate(self.generators):
            if generator is not None:
                draws[:, slot] = torch.rand(size, dtype=draws.dtype, device=draws.device, generator=generator)
        return (draws >= self.rates).to(draws.dtype).div_(1 - self.rates)
