"""Which arms' average ranks differ: Nemenyi's test of all pairs, as Demsar 2006 states it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class RankPair:
    """A comparison of two arms' average ranks.

    difference: of the average ranks, arm minus other, negative where `arm` is better
    p: of no difference, over all pairs; apart: whether the two are told apart
    """

    arm: str
    other: str
    difference: float
    p: float
    apart: bool


@dataclass(frozen=True)
class Nemenyi:
    """Nemenyi's test of every pair of arms, as one family.

    critical_difference: the least difference of two average ranks at which a pair is told apart, where the Friedman
        test rejects; where it does not, no pair is told apart
    groups: the largest sets of arms of which no two are told apart, best first: the bars of the diagram
    """

    critical_difference: float
    pairs: tuple[RankPair, ...]
    groups: tuple[tuple[str, ...], ...]


def nemenyi(ranks: Mapping[str, float], tasks: int, alpha: float, *, rejected: bool) -> Nemenyi:
    """The test over the arms' average ranks; rejected: whether the Friedman test says that the arms differ."""
    arms = len(ranks)
    critical = critical_difference(arms, tasks, alpha)
    unit = _unit(arms, tasks)
    pairs = []
    for arm, other in combinations(ranks, 2):
        difference = ranks[arm] - ranks[other]
        apart = rejected and abs(difference) >= critical
        pairs.append(RankPair(arm, other, difference, _p(arms, abs(difference) / unit), apart))
    return Nemenyi(
        critical, tuple(pairs), _groups(ranks, {frozenset((one.arm, one.other)): one.apart for one in pairs})
    )


def critical_difference(arms: int, tasks: int, alpha: float) -> float:
    """The least difference of two average ranks at which arms are told apart: 1.25 for 4 arms, 14 tasks, alpha .05."""
    return _quantile(arms, alpha) * _unit(arms, tasks)


def tasks_for_pairs(arms: int, alpha: float) -> int:
    """The fewest tasks with which any two of so many arms can be told apart, where their ranks differ the most."""
    tasks = 2
    while critical_difference(arms, tasks, alpha) > arms - 1:
        tasks += 1
    return tasks


def _unit(arms: int, tasks: int) -> float:
    """The standard error of a difference of two average ranks."""
    return math.sqrt(arms * (arms + 1) / (6 * tasks))


@lru_cache(maxsize=64)
def _quantile(arms: int, alpha: float) -> float:
    """Demsar's q: of the studentized range with infinite degrees of freedom, over the root of two."""
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(1 - alpha, arms, math.inf)) / math.sqrt(2)


@lru_cache(maxsize=1024)
def _p(arms: int, size: float) -> float:
    from scipy.stats import studentized_range

    return min(1.0, float(studentized_range.sf(size * math.sqrt(2), arms, math.inf)))


def _groups(ranks: Mapping[str, float], apart: Mapping[frozenset[str], bool]) -> tuple[tuple[str, ...], ...]:
    ordered = sorted(ranks, key=lambda arm: (ranks[arm], arm))
    found: list[tuple[str, ...]] = []
    for start in range(len(ordered)):
        group = _from(ordered[start:], apart)
        if len(group) > 1 and not any(set(group) <= set(other) for other in found):
            found.append(group)
    return tuple(found)


def _from(ordered: Sequence[str], apart: Mapping[frozenset[str], bool]) -> tuple[str, ...]:
    """The first of these arms and those after it that are not told apart from it."""
    first = ordered[0]
    return tuple(arm for arm in ordered if arm == first or not apart[frozenset((first, arm))])
