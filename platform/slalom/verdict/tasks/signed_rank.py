"""The Bayesian signed-rank test of two arms over tasks (Benavoli et al. 2014; 2017 with a rope).

The differences of the tasks, and a pseudo-observation of no difference with weight PRIOR, are weighted by a Dirichlet
process. In each draw of the weights w the three regions have the shares sum_ij w_i w_j [z_i + z_j > 2 rope] (better),
the same below -2 rope (worse), and the rest; the probability of a region is how often its share is the largest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.verdict.arrays import FloatArray

PRIOR = 0.5
"""The weight of the pseudo-observation, as its authors and baycomp have it."""

DRAWS = 50_000
"""Draws of the weights: a probability then has a standard error of .0022 at most."""

HUGE = 1e300
"""Stands for an infinite difference, where one of two arms reached no value in a task."""


@dataclass(frozen=True)
class SignedRank:
    """The signed-rank test of two arms over all tasks.

    better, worse: the probability that `arm` is better, or worse, than `other` by more than the rope in a further task
        like these; equal: that the difference is within the rope, 0 where the rope is 0
    """

    arm: str
    other: str
    better: float
    equal: float
    worse: float


@dataclass(frozen=True)
class SignedRanks:
    """The tests of every pair of arms; rope: the largest difference that counts as none, in the metric's unit."""

    rope: float
    pairs: tuple[SignedRank, ...]


def signed_rank(
    gains: Sequence[float] | FloatArray, rope: float, *, draws: int = DRAWS, seed: int = 0
) -> tuple[float, float, float]:
    """The probabilities that the arm is better, equal and worse, given its gain in each task: [tasks].

    gains: positive where the arm is better, in the metric's unit, infinite where only one of the two reached a value
    Raises ValueError where a gain is no number, or the rope is below 0 or not finite.
    """
    sample = np.asarray(gains, dtype=np.float64)
    if np.isnan(sample).any() or not 0 <= rope < math.inf:
        raise ValueError(f"gains must be numbers and the rope finite, at least 0 (got {sample.tolist()} and {rope})")
    points = np.concatenate([[0.0], np.clip(sample, -HUGE, HUGE)])
    sums = points[:, None] + points[None, :]
    weights = _weights(len(sample), draws, seed)
    better, worse = _share(weights, sums, 2 * rope), _share(weights, -sums, 2 * rope)
    shares = np.stack([better, 1 - better - worse if rope > 0 else np.full(draws, -1.0), worse])
    largest = shares >= shares.max(axis=0) - 1e-12
    counted: FloatArray = (largest / largest.sum(axis=0)).mean(axis=1)
    return float(counted[0]), float(counted[1]), float(counted[2])


def most_probable(tasks: int, rope: float) -> float:
    """The largest probability that so many tasks can give: where the arm is better in all of them, and by far.

    It says how soon the test is certain: with a rope two tasks give .96, and without one a single task gives 1.
    """
    return signed_rank(np.full(tasks, math.inf), rope)[0]


@lru_cache(maxsize=2)
def _weights(tasks: int, draws: int, seed: int) -> FloatArray:
    """Draws of the weights of the pseudo-observation and of each task, the same for every pair: [draws, 1 + tasks]."""
    weights: FloatArray = np.random.default_rng(seed).dirichlet([PRIOR, *np.ones(tasks)], draws)
    weights.flags.writeable = False
    return weights


def _share(weights: FloatArray, sums: FloatArray, least: float) -> FloatArray:
    """The weight of the pairs whose sum is above `least`, those at it counting half: [draws]."""
    above = (sums > least) + 0.5 * (sums == least)
    share: FloatArray = ((weights @ above) * weights).sum(axis=1)
    return share
