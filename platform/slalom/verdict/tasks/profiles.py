"""Performance profiles: in which share of the tasks an arm comes within a factor of the best (Dolan and More 2002)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from slalom.verdict.arrays import FloatArray

MOST = 4.0
"""The factor up to which a profile is drawn and scored."""


@dataclass(frozen=True)
class Profile:
    """An arm's profile.

    ratios: the factor by which the arm is worse than the best in each task, at least 1, infinite where the arm finished
        no trial: [tasks]
    score: the mean over the factors from 1 to MOST of the share of tasks within the factor, in [0, 1]
    """

    arm: str
    ratios: tuple[float, ...]
    score: float

    def share(self, factor: float) -> float:
        """The share of the tasks in which the arm comes within a factor of the best."""
        return sum(ratio <= factor for ratio in self.ratios) / len(self.ratios)


def ratios(values: FloatArray, *, minimize: bool) -> FloatArray | None:
    """The factor by which each value is worse than its task's best: [tasks, arms]; None where a value is negative.

    values: infinite, of either sign, where an arm finished no trial: [tasks, arms]
    """
    finite = np.isfinite(values)
    if (values[finite] < 0).any():
        return None
    filled = np.where(finite, values, np.inf if minimize else 0.0)
    best = (filled.min if minimize else filled.max)(axis=1, keepdims=True)
    over, under = (filled, best) if minimize else (best, filled)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: FloatArray = np.where(filled == best, 1.0, over / under)
    return np.where(finite, found, np.inf)


def profile(arm: str, of: FloatArray) -> Profile:
    """An arm's profile from its ratios: [tasks]."""
    score = float(np.clip((MOST - of) / (MOST - 1), 0.0, 1.0).mean())
    return Profile(arm, tuple(of.tolist()), score)
