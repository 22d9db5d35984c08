"""Ranks of arms over tasks, and the test of no difference between the arms: Friedman, with Iman and Davenport's F.

The p that decides is of permutations: where arms do not differ, every order of a task's ranks is as likely as the
observed one. It is exact whatever the ties and however few the tasks. The p of F is not: with two tasks that agree F is
infinite, and its p 0, where four arms agree by chance in one of 24 pairs of tasks (docs/decisions.md has the rates).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slalom.verdict.arrays import FloatArray

ROWS = 2**16
"""Orders of ranks at most: all where there are no more, else as many random ones."""


@dataclass(frozen=True)
class ArmRanks:
    """An arm's average rank over the tasks, 1 being the best, and its rank in each task."""

    name: str
    rank: float
    ranks: tuple[float, ...]


@dataclass(frozen=True)
class Friedman:
    """The test that all arms have the same average rank.

    chi2: Friedman's statistic without a correction for ties (Demsar 2006), of `arms - 1` degrees of freedom
    f: Iman and Davenport's, of `degrees` degrees of freedom; infinite where all tasks agree
    p: of no difference, by permutations of the ranks within tasks; it decides
    exact: whether all permutations were counted, or ROWS random ones
    p_f: by the distribution of F, which is near `p` where there are many tasks
    """

    chi2: float
    f: float
    degrees: tuple[int, int]
    p: float
    exact: bool
    p_f: float


def ranks_of(losses: FloatArray) -> FloatArray:
    """The ranks of the arms in each task, the smallest loss 1, ties the mean of their ranks: [tasks, arms]."""
    from scipy.stats import rankdata

    ranks: FloatArray = rankdata(losses, axis=1)
    return ranks


def ranked(arms: Iterable[ArmRanks]) -> tuple[ArmRanks, ...]:
    """The arms, best average rank first, equal ones by name."""
    return tuple(sorted(arms, key=lambda arm: (arm.rank, arm.name)))


def friedman(ranks: FloatArray, *, rows: int = ROWS, seed: int = 0) -> Friedman:
    """The test over the ranks [tasks, arms].

    rows, seed: of the random permutations
    Raises ValueError where there are fewer than two tasks or two arms.
    """
    from scipy.stats import f as f_distribution

    tasks, arms = ranks.shape
    if tasks < 2 or arms < 2:
        raise ValueError(f"at least two tasks and two arms are needed (got {tasks} and {arms})")
    means = ranks.mean(axis=0)
    chi2 = 12 * tasks / (arms * (arms + 1)) * (float(means @ means) - arms * (arms + 1) ** 2 / 4)
    left = tasks * (arms - 1) - chi2
    f = (tasks - 1) * chi2 / left if left > 1e-9 else math.inf
    degrees = (arms - 1, (arms - 1) * (tasks - 1))
    exact = math.factorial(arms) ** (tasks - 1) <= rows
    sums = _all_sums(ranks) if exact else _random_sums(ranks, rows, seed)
    sizes = (sums**2).sum(axis=1)
    observed = (ranks.sum(axis=0) ** 2).sum()
    p = float(np.mean(sizes >= observed - 1e-9))
    return Friedman(chi2, f, degrees, p, exact, float(f_distribution.sf(f, *degrees)))


def smallest_p(tasks: int, arms: int) -> float:
    """The smallest p that permutations of so many tasks' ranks can give: that of tasks with the same order."""
    return 1.0 / float(math.factorial(arms) ** (tasks - 1))


def tasks_needed(arms: int, alpha: float) -> int:
    """The fewest tasks with which so many arms can be told apart at all: six of two arms, two of four or more."""
    tasks = 2
    while not smallest_p(tasks, arms) < alpha:
        tasks += 1
    return tasks


def _all_sums(ranks: FloatArray) -> FloatArray:
    """The arms' sums of ranks in every order of the tasks' ranks but the first task's: [orders, arms]."""
    sums = ranks[:1]
    for row in ranks[1:]:
        orders = np.array(list(permutations(row)))
        sums = (sums[:, None, :] + orders[None, :, :]).reshape(-1, ranks.shape[1])
    return sums


def _random_sums(ranks: FloatArray, rows: int, seed: int) -> FloatArray:
    """The arms' sums of ranks in random orders, of which the first is the observed one: [rows, arms]."""
    random = np.random.default_rng(seed)
    sums = np.tile(ranks[0], (rows, 1))
    for row in ranks[1:]:
        orders = random.permuted(np.tile(row, (rows, 1)), axis=1)
        orders[0] = row
        sums += orders
    return sums
