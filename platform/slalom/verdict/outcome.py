"""What follows from comparisons: the winner, the arms that need no further search, and whether a study may stop."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slalom.verdict.answers import Comparison


def winner(pairs: Sequence[Comparison], arms: Sequence[str]) -> str | None:
    """The arm that is better than every other one, if there is one.

    pairs: of all these arms, as `all_pairs` gives them; ValueError where a pair is missing
    """
    losers = {frozenset((found.arm, found.other)): found.loser for found in pairs}
    if missing := [pair for pair in combinations(arms, 2) if frozenset(pair) not in losers]:
        raise ValueError(f"a winner needs every pair of arms (missing: {missing})")
    return next((name for name in arms if len(arms) > 1 and _beats_all(name, arms, losers)), None)


def _beats_all(name: str, arms: Sequence[str], losers: dict[frozenset[str], str | None]) -> bool:
    return all(losers[frozenset((name, other))] == other for other in arms if other != name)


def dropped(pairs: Iterable[Comparison]) -> frozenset[str]:
    """The arms that need no further search, since each is worse than another one, at the alpha spent so far."""
    return frozenset(found.loser for found in pairs if found.loser is not None)


def undecided(comparisons: Iterable[Comparison]) -> tuple[Comparison, ...]:
    """The comparisons that more searches could still settle; where there are none, a study may stop."""
    return tuple(found for found in comparisons if not found.settled)
