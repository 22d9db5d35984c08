"""What tuning effort buys: the value expected after n trials of a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slalom.verdict.paired import mean_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.verdict.arrays import FloatArray
    from slalom.verdict.interval import Interval


BAND_ROWS = 2**12
"""Sign vectors for a band: fewer than for a test, because there is an interval for every number of trials."""


NEGLIGIBLE = 1e-25
"""A probability that changes no mean, so that a search of 100,000 trials takes memory and time for its trials alone."""


@dataclass(frozen=True)
class EffortCurve:
    """The expected best validation value of an arm after 1, 2, ... trials.

    searches: the curve of each search: [searches, trials]
    mean: over the searches: [trials]
    band: the interval of each mean over the searches, point by point: [trials]
    """

    searches: tuple[tuple[float, ...], ...]
    mean: tuple[float, ...]
    band: tuple[Interval, ...]

    @property
    def trials(self) -> int:
        """The trials of a whole search."""
        return len(self.mean)


@dataclass(frozen=True)
class AtCost:
    """What an arm's search has reached, after `trials` trials, when it has cost as much as every other arm's."""

    trials: int
    mean: float
    band: Interval


def best_so_far(values: Sequence[float], *, minimize: bool, worst: float) -> FloatArray:
    """The best value of the first 1, 2, ... trials of a search, in their order: [trials] -> [trials].

    values: each trial's final validation value; NaN where it was pruned, diverged or failed
    worst: what such a trial counts as: it is not chosen while any other trial completed
    """
    filled = _filled(values, worst)
    best: FloatArray = np.minimum.accumulate(filled) if minimize else np.maximum.accumulate(filled)
    return best


def expected_best(values: Sequence[float], *, minimize: bool, worst: float) -> FloatArray:
    """The mean best of 1, 2, ... trials over all ways to take them from a search's trials: [trials] -> [trials].

    Unbiased where trials are drawn independently or from a grid (Tang et al. 2020, without replacement; Dodge et al.
    2019 draw with replacement and are biased): the i-th worst of N values is the best of n with probability
    C(i - 1, n - 1) / C(N, n). Arguments as for `best_so_far`.
    """
    ordered = np.sort(_filled(values, worst))
    if minimize:
        ordered = ordered[::-1]
    total = len(ordered)
    counts = np.arange(1, total + 1)
    chances, found = counts / total, np.zeros(total)  # the chance of the i-th worst for each n, from the best down
    for place in range(total, 0, -1):
        found[: len(chances)] += chances * ordered[place - 1]
        chances = chances * np.maximum(place - counts[: len(chances)], 0) / max(place - 1, 1)
        chances = chances[: np.count_nonzero(chances > NEGLIGIBLE)]  # the more are drawn, the sooner it is negligible
    return found


def effort_curve(
    searches: Sequence[Sequence[float]], *, minimize: bool, worst: float, alpha: float, exchangeable: bool = False
) -> EffortCurve:
    """An arm's curve over its searches.

    searches: the final validation values of each search's trials, in the order of the trials: [searches, trials]
    exchangeable: True for random and grid proposals, whose order means nothing, so that the unbiased estimator is used
    alpha: the band holds each mean at level 1 - alpha, point by point
    """
    of_one = expected_best if exchangeable else best_so_far
    curves = np.stack([of_one(values, minimize=minimize, worst=worst) for values in searches])
    return EffortCurve(
        searches=tuple(map(tuple, curves.tolist())),
        mean=tuple(curves.mean(axis=0).tolist()),
        band=tuple(mean_interval(column, alpha, rows=BAND_ROWS) for column in curves.T),
    )


def at_equal_cost(curves: Mapping[str, EffortCurve], cost_per_trial: Mapping[str, float]) -> dict[str, AtCost]:
    """What each arm has reached when it has cost as much as the whole search of the cheapest arm.

    cost_per_trial: by arm, in any one unit, such as epochs times members times the measured cost of a step
    Raises ValueError where a cost is not positive, or where the budget does not pay for one trial of an arm.
    """
    if bad := {name: cost_per_trial[name] for name in curves if not cost_per_trial[name] > 0}:
        raise ValueError(f"a trial's cost must be positive (got {bad})")
    budget = min(curve.trials * cost_per_trial[name] for name, curve in curves.items())
    return {name: _at(name, curve, int(budget / cost_per_trial[name] + 1e-9)) for name, curve in curves.items()}


def _at(name: str, curve: EffortCurve, trials: int) -> AtCost:
    if trials < 1:
        raise ValueError(f"one trial of {name} costs more than the whole search of the cheapest arm")
    return AtCost(trials, curve.mean[trials - 1], curve.band[trials - 1])


def _filled(values: Sequence[float], worst: float) -> FloatArray:
    sample = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(sample), sample, worst)
