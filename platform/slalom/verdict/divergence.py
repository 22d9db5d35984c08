"""How often an arm's trainings diverged, an upper bound on the rate, and whether two arms differ in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.verdict.paired import paired_test
from slalom.verdict.proportion import at_most

if TYPE_CHECKING:
    from slalom.verdict.search_values import SearchValues
    from slalom.verdict.stages import Looks


@dataclass(frozen=True)
class DivergenceRate:
    """How many of an arm's confirm trainings diverged.

    diverged, trainings: `diverged` of all `trainings`
    searches_hit, searches: `searches_hit` of all `searches` had a diverged training
    at_most: the largest rate among trainings that these counts do not exclude, were trainings independent
    at_most_of_searches: the largest rate of searches with a diverged training that they do not exclude. It holds even
        where the trainings of a search diverge together, as they do where its choice is near the edge of divergence.
    """

    diverged: int
    trainings: int
    searches_hit: int
    searches: int
    at_most: float
    at_most_of_searches: float


def divergence_rate(arm: SearchValues, alpha: float) -> DivergenceRate:
    """An arm's divergences with one-sided bounds at level 1 - alpha: 0 of 30 leave up to 9.5 %, 0 of 10 up to 26 %."""
    shares = arm.diverged()
    hit, diverged = int((shares > 0).sum()), round(float(shares.mean()) * arm.trainings)
    return DivergenceRate(
        diverged=diverged,
        trainings=arm.trainings,
        searches_hit=hit,
        searches=arm.number,
        at_most=at_most(diverged, arm.trainings, alpha),
        at_most_of_searches=at_most(hit, arm.number, alpha),
    )


def divergence_p(arm: SearchValues, other: SearchValues, looks: Looks | None = None) -> float:
    """The two-sided p of equally frequent divergence: random signs of the searches' differences of diverged shares.

    The unit is the search, as everywhere. With one seed a search this is McNemar's exact test.
    """
    return paired_test(arm.diverged() - other.diverged(), looks).p()
