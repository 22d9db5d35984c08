"""When a study looks at its searches, and how its alpha is spent over the looks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from slalom.verdict.flips import TIE, tail_shares, within_tail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.verdict.arrays import FloatArray


def pocock(share: float) -> float:
    """The share of alpha that may be spent once a share of the searches is done (Lan and DeMets 1983).

    Pocock's type, because ten searches give no p below .002. O'Brien and Fleming's type allows .00009 at a quarter
    of the searches, so that a first look at ten of forty could decide nothing.
    """
    return math.log1p((math.e - 1) * share)


@dataclass(frozen=True)
class Looks:
    """The numbers of searches at which a study is judged, the last being all of its searches.

    Raises ValueError where there is none, or where they do not increase from at least 1.
    """

    at: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.at or self.at[0] < 1 or any(one >= two for one, two in pairwise(self.at)):
            raise ValueError(f"looks must increase, the first at 1 search or more (got {list(self.at)})")

    @classmethod
    def doubling(cls, at_least: int, at_most: int) -> Looks:
        """At `at_least` searches, at twice as many, and so on, and at `at_most`: 10, 40 gives 10, 20, 40."""
        looks = []
        while at_least < at_most:
            looks.append(at_least)
            at_least *= 2
        return cls((*looks, at_most))

    @property
    def weights(self) -> tuple[float, ...]:
        """The share of alpha that each look spends; they add up to 1."""
        spent = [0.0, *(pocock(number / self.at[-1]) for number in self.at)]
        return tuple(after - before for before, after in pairwise(spent))

    def reached(self, searches: int) -> tuple[int, ...]:
        """The looks up to `searches`; ValueError where `searches` is not one of them."""
        if searches not in self.at:
            raise ValueError(f"a verdict is due at {list(self.at)} searches (got {searches})")
        return self.at[: self.at.index(searches) + 1]


def stagewise_p(sizes: Sequence[FloatArray], weights: Sequence[float]) -> float:
    """The p after several looks: valid at every look, whatever the reason for which a study stops.

    sizes: for each look so far the size of the statistic in every row of signs, the first row as observed:
        [looks][sides, rows]; a later look may have more rows, and each of them begins as row number modulo the earlier
        look's rows does
    weights: the share of alpha that each of these looks spends

    At each look the smallest p / weight of the looks so far is taken, for every row of signs. The share of rows where
    it is as small as observed, over the alpha spent so far, is the p of that look. By induction a p below x has a
    probability of at most (alpha spent so far) x under "no difference", and no later p is above an earlier one; so a
    comparison that is decided stays so, and Holm's correction of these p values holds over comparisons and looks (Liu
    and Anderson 2008; Maurer and Bretz 2013). One look alone gives the plain sign-flip p.
    """
    earlier, spent = _earlier(sizes[:-1], weights)
    last, weight = sizes[-1], weights[len(sizes) - 1]
    earlier = _repeated(earlier, last)
    own = np.count_nonzero(last >= last[0, 0] - TIE * abs(last).max()) / last.size / weight
    smallest = min(own, float(earlier[0, 0]))
    reached = within_tail(last, smallest * weight) | (earlier <= smallest * (1 + TIE))
    return min(1.0, float(reached.mean()) / (spent + weight))


def _earlier(sizes: Sequence[FloatArray], weights: Sequence[float]) -> tuple[FloatArray, float]:
    """The p of every row of signs after the looks before the last one, and the share of alpha that they spent."""
    p, spent = np.full((1, 1), np.inf), 0.0
    for size, weight in zip(sizes, weights, strict=False):
        spent += weight
        p = tail_shares(-np.minimum(_repeated(p, size), tail_shares(size) / weight)) / spent
    return p, spent


def _repeated(values: FloatArray, like: FloatArray) -> FloatArray:
    """The rows of an earlier look, repeated to as many as the later look `like` has: these begin like them in turn."""
    return np.tile(values, (like.shape[0] // values.shape[0], like.shape[1] // values.shape[1]))
