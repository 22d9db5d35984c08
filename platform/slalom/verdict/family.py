"""The correction over the comparisons of one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Uncorrected:
    """The uncorrected p values of one comparison.

    p: of no difference
    p_beyond: of a difference of the margin or more; None where the study has no margin
    """

    p: float
    p_beyond: float | None = None


@dataclass(frozen=True)
class Corrected:
    """The p values of one comparison, corrected over the family, and the levels at which they were tested.

    level, level_beyond: alpha over the comparisons that were open when this one was tested. The uncorrected p is below
        it if and only if the corrected p is below alpha, so an interval of this level agrees with the corrected p
    """

    p: float
    level: float
    p_beyond: float | None
    level_beyond: float


def correct(tests: Sequence[Uncorrected], alpha: float, family: int | None = None) -> tuple[Corrected, ...]:
    """Correct a family's comparisons, so that a wrong claim among all of them has probability alpha at most.

    Without a margin this is Holm's correction (1979). With one, each comparison has two hypotheses, "no difference" and
    "a difference of the margin or more", of which at most one is true. So the smallest p is multiplied by the number of
    comparisons, as before, and a comparison leaves the family when both of its hypotheses are rejected (Shaffer 1986).

    family: how many comparisons there will be in all; those not made yet stay open, so that no corrected p rises later
    """
    given = [(test.p, place, False) for place, test in enumerate(tests)]
    given += [(test.p_beyond, place, True) for place, test in enumerate(tests) if test.p_beyond is not None]
    open_at, adjusted = _step_down(sorted(given), _hypotheses(tests), max(family or 0, len(tests)))
    last = next((number for key, number in open_at.items() if adjusted[key] >= alpha), 1)

    def level(place: int, beyond: bool) -> float:
        rejected = adjusted.get((place, beyond), 1.0) < alpha
        return alpha / (open_at[place, beyond] if rejected else last)

    return tuple(
        Corrected(adjusted[place, False], level(place, False), adjusted.get((place, True)), level(place, True))
        for place in range(len(tests))
    )


def _hypotheses(tests: Sequence[Uncorrected]) -> list[int]:
    """How many hypotheses each comparison has."""
    return [1 if test.p_beyond is None else 2 for test in tests]


def _step_down(
    ordered: Sequence[tuple[float, int, bool]], left: list[int], family: int
) -> tuple[dict[tuple[int, bool], int], dict[tuple[int, bool], float]]:
    """For each hypothesis, smallest p first: how many comparisons are open at its step, and its corrected p."""
    open_at: dict[tuple[int, bool], int] = {}
    adjusted: dict[tuple[int, bool], float] = {}
    floor = 0.0
    for p, place, beyond in ordered:
        floor = max(floor, min(1.0, family * p))
        open_at[place, beyond], adjusted[place, beyond] = family, floor
        left[place] -= 1
        family -= left[place] == 0
    return open_at, adjusted
