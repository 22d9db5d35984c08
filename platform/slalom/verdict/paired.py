"""The test of two arms over their paired searches, at one look or several."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slalom.verdict.flips import ROWS, sign_vectors, subset_limits
from slalom.verdict.interval import Interval
from slalom.verdict.stages import Looks, stagewise_p

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slalom.verdict.arrays import FloatArray

HALVINGS = 14
"""Bisections by which an end of an interval over several looks is found, to a sixteen-thousandth of the first gap."""


@dataclass(frozen=True, eq=False)
class PairedTest:
    """The sign-flip test of the mean of paired differences.

    sums: the signed sums of the differences up to each look, one for each row of its `sign_vectors`: [looks][rows]
    counts: the sums of the signs themselves: [looks][rows]
    weights: the share of alpha that each of these looks spends
    """

    sums: tuple[FloatArray, ...]
    counts: tuple[FloatArray, ...]
    weights: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean of the differences so far."""
        return float(self.sums[-1][0] / self.counts[-1][0])

    def p(self, null: float = 0.0) -> float:
        """The two-sided p of a mean difference of `null`."""
        return stagewise_p([np.abs(signed)[None] for signed in self._shifted(null)], self.weights)

    def p_above(self, null: float) -> float:
        """The one-sided p of a mean difference of at most `null`: small where the difference is surely larger."""
        return stagewise_p([np.stack([signed, -signed]) for signed in self._shifted(null)], self.weights)

    def p_below(self, null: float) -> float:
        """The one-sided p of a mean difference of at least `null`: small where the difference is surely smaller."""
        return stagewise_p([np.stack([-signed, signed]) for signed in self._shifted(null)], self.weights)

    def p_beyond(self, margin: float) -> float:
        """The p of a difference of `margin` or more, either way: the larger of two one-sided p (Schuirmann 1987)."""
        return max(self.p_above(-margin), self.p_below(margin))

    def interval(self, alpha: float) -> Interval:
        """The mean differences whose `p` is at least alpha: it excludes zero if and only if p() < alpha.

        The one exception: several looks may contradict each other so much that no mean difference is retained. Then the
        interval spans the means at the looks.
        """
        return self._retained(lambda null: self.p(null) >= alpha, alpha)

    def equivalence_interval(self, alpha: float) -> Interval:
        """The mean differences that neither one-sided test rejects at alpha: an interval of nominal level 1 - 2 alpha.

        It lies within +-margin if and only if p_beyond(margin) < alpha; over several looks up to the ends' precision.
        """
        return self._retained(lambda null: min(self.p_above(null), self.p_below(null)) >= alpha, 2 * alpha)

    def _shifted(self, null: float) -> list[FloatArray]:
        """The signed sums of the differences less `null`, at each look."""
        return [total - null * count for total, count in zip(self.sums, self.counts, strict=True)]

    def _retained(self, retained: Callable[[float], bool], alpha: float) -> Interval:
        """The null values that a test of two-sided level alpha retains: in closed form where there is one look."""
        outer = subset_limits(self.sums[-1], self.counts[-1], alpha * self.weights[-1])
        if len(self.sums) == 1:
            return outer
        means = [float(sums[0] / counts[0]) for sums, counts in zip(self.sums, self.counts, strict=True)]
        inside = next(filter(retained, [*means[::-1], 0.0]), None)
        if inside is None:
            return Interval(min(means), max(means))
        if not math.isfinite(outer.high - outer.low):
            outer = self._extremes()
            if retained(outer.low):
                return Interval(-math.inf, math.inf)
        return Interval(_end(retained, outer.low, inside), _end(retained, outer.high, inside))

    def _extremes(self) -> Interval:
        """Two null values so far below and above all differences that no null value has a smaller p."""
        size = max(float(np.abs(sums).max()) for sums in self.sums) or 1.0
        return Interval(self.mean - 2 * size, self.mean + 2 * size)


def paired_test(
    differences: Sequence[float] | FloatArray, looks: Looks | None = None, *, rows: int = ROWS, seed: int = 0
) -> PairedTest:
    """The test of paired differences in the order of their searches: [searches].

    looks: the numbers of searches at which the study is judged; None for once, at the end
    rows, seed: of `sign_vectors`
    Raises ValueError where there is no difference, one is not finite, or their number is not that of a look.
    """
    sample = np.asarray(differences, dtype=np.float64)
    if not sample.size or not np.isfinite(sample).all():
        raise ValueError(f"at least one difference is needed, each finite (got {sample.tolist()})")
    looks = looks or Looks((sample.size,))
    at = looks.reached(sample.size)
    signs = [sign_vectors(number, rows, seed) for number in at]
    sums = tuple(vectors @ sample[: vectors.shape[1]] for vectors in signs)
    return PairedTest(sums, tuple(vectors.sum(axis=1) for vectors in signs), looks.weights[: len(at)])


def sign_flip_p(differences: Sequence[float] | FloatArray) -> float:
    """The two-sided p of no difference, from one look: exact over all signs up to 16 searches."""
    return paired_test(differences).p()


def mean_interval(values: Sequence[float] | FloatArray, alpha: float, *, rows: int = ROWS) -> Interval:
    """The interval of a mean over searches at level 1 - alpha: of an arm's values, or of paired differences."""
    return paired_test(values, rows=rows).interval(alpha)


def _end(retained: Callable[[float], bool], outside: float, inside: float) -> float:
    """The end of an interval, between a value that may be outside and one inside; first tells on which side zero is."""
    if min(outside, inside) < 0.0 < max(outside, inside):
        outside, inside = (outside, 0.0) if retained(0.0) else (0.0, inside)
    if retained(outside):
        return outside
    for _ in range(HALVINGS):
        middle = (outside + inside) / 2
        outside, inside = (outside, middle) if retained(middle) else (middle, inside)
    return inside
