"""The random numbers of an augmentation, which depend on the trial's seed, the epoch, the example and its use alone.

Each number is a hash of these, so that it does not depend on the order of examples, the batch size, the pack or what
was trained before. The hash is SplitMix64's (Steele, Lea and Flood 2014, "Fast splittable pseudorandom
number generators"), in whole numbers of 64 bits that wrap around.
"""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def _signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word


GOLDEN = _signed(0x9E3779B97F4A7C15)
"""SplitMix64's increment."""

MIXED = ((30, _signed(0xBF58476D1CE4E5B9)), (27, _signed(0x94D049BB133111EB)))
LAST = 31
BITS = 53
"""Bits of a float64's fraction."""


def mix(words: Tensor) -> Tensor:
    """SplitMix64's hash of words int64, of any shape."""
    for bits, factor in MIXED:
        words = (words ^ _right(words, bits)) * factor
    return words ^ _right(words, LAST)


def _right(words: Tensor, bits: int) -> Tensor:
    """Words shifted to the right, with zeros shifted in: torch's own shift would shift in the sign."""
    return (words >> bits) & ((1 << (64 - bits)) - 1)


class Draws:
    """The random numbers of one augmentation for B examples of each of e slots; each call draws further numbers."""

    def __init__(self, keys: Tensor, examples: Tensor, uses: Tensor | None) -> None:
        """keys: a hash of each slot's seed, epoch and augmentation [e, 1] int64.

        examples: the indices of the training examples [e, B]
        uses: how often each was used before in the epoch [e, B]; None where every example is used once
        """
        words = mix(keys + examples * GOLDEN)
        self._words = mix(words if uses is None else words + uses * GOLDEN)
        self._drawn = 0

    def uniform(self, count: int) -> Tensor:
        """Numbers [e, B, count] float64 drawn evenly from [0, 1)."""
        steps = self._words.new_ones(count).cumsum(0) + self._drawn
        self._drawn += count
        words = mix(self._words.unsqueeze(-1) + steps * GOLDEN)
        return _right(words, 64 - BITS).double() * 2.0**-BITS

    def normal(self, count: int) -> Tensor:
        """Numbers [e, B, count] float64 of mean 0 and variance 1, normally distributed.

        Source: Box and Muller 1958, "A note on the generation of random normal deviates".
        """
        one, other = self.uniform(count), self.uniform(count)
        return ((1 - one).log() * -2).sqrt() * (other * (2 * pi)).cos()
