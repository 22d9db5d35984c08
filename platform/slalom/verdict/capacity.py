"""What a number of searches can show at all, whatever they find."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.verdict.flips import ROWS, smallest_p
from slalom.verdict.stages import Looks

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Capacity:
    """What the searches at one look can show after the correction.

    searches: how many each arm has by then
    smallest_p: the smallest uncorrected p that they can give, over the share of alpha spent up to the look
    comparisons: the largest family in which a difference can be shown; 0 where none can
    baseline: whether a difference from the baseline can be shown
    all_pairs: whether a winner over all pairs of arms can be shown
    """

    searches: int
    smallest_p: float
    comparisons: int
    baseline: bool
    all_pairs: bool


def capacity(searches: int, arms: int, alpha: float, looks: Looks | None = None) -> Capacity:
    """What so many searches can show of so many arms: 10 allow 25 comparisons at alpha .05, 11 allow 51.

    looks: the numbers of searches at which the study is judged; None for once, at `searches`
    """
    least = _least_p(searches, looks or Looks((searches,)))
    largest = max(0, math.ceil(alpha / least) - 1)  # the family times the smallest p must stay below alpha
    return Capacity(searches, least, largest, largest >= max(1, arms - 1), largest >= max(1, arms * (arms - 1) // 2))


def searches_needed(comparisons: int, alpha: float) -> int | None:
    """The fewest searches, judged once, that can show a difference in a family of so many comparisons.

    None where no number of searches can, because random signs give no smaller p.
    """
    numbers = range(1, ROWS.bit_length() + 1)
    return next((searches for searches in numbers if smallest_p(searches) * comparisons < alpha), None)


def _least_p(searches: int, looks: Looks) -> float:
    """The smallest p that the looks so far can give: its signs are the most extreme ones at every look."""
    at: Sequence[int] = looks.reached(searches)
    spent = sum(looks.weights[: len(at)])
    return min(1.0, smallest_p(searches) / spent)
