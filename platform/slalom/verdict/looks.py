"""The looks at a study, and which arms need further searches after each: a function of the results alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.search.choice import choose
from slalom.verdict.answers import Rule, against_baseline, all_pairs
from slalom.verdict.outcome import dropped
from slalom.verdict.results import confirmed, values_of, worst_value
from slalom.verdict.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.search.choice import Results
    from slalom.study.model import StudySpec
    from slalom.verdict.answers import Comparison


@dataclass(frozen=True)
class Look:
    """How a study stood when it was last looked at.

    searches: by arm, how many of its searches count; for an arm that was dropped, those that it had by then
    unfinished: arms of which no trial completed in any of these searches
    baseline: every other arm against the baseline; empty where the baseline is unfinished
    pairs: all pairs of arms that are not unfinished
    going_on: arms that need further searches
    complete: no arm needs further searches
    """

    searches: Mapping[str, int]
    unfinished: tuple[str, ...] = ()
    baseline: tuple[Comparison, ...] = ()
    pairs: tuple[Comparison, ...] = ()
    going_on: frozenset[str] = frozenset()
    complete: bool = False

    @property
    def most(self) -> int:
        """How many searches the arms with the most have."""
        return max(self.searches.values(), default=0)


def last_look(spec: StudySpec, results: Results) -> Look | None:
    """The last look that these results allow; None before all arms have ended their first searches.

    Earlier looks are made again, since they decide which arms go on to the next.
    """
    ready = {arm.name: confirmed(spec, arm.name, results) for arm in spec.arms}
    found: Look | None = None
    for stage, number in enumerate(spec.tune.searches.stages):
        going_on = ready.keys() if found is None else found.going_on
        if not going_on or any(ready[name] < number for name in going_on):
            break
        searches = {**(found.searches if found else {}), **dict.fromkeys(going_on, number)}
        found = _look(spec, results, searches, stage)
    return found


def undecided(spec: StudySpec, results: Results) -> frozenset[str]:
    """The arms that need further searches after the last look."""
    found = last_look(spec, results)
    return found.going_on if found else frozenset()


def rule_of(spec: StudySpec, searches: int, results: Results) -> Rule:
    """How the arms of a study are compared after so many searches."""
    return Rule(
        minimize=spec.metric.goal == "minimize",
        alpha=spec.compare.alpha,
        worst=worst_value(spec, results),
        margin=spec.compare.margin,
        looks=Scope.of(spec, searches).looks(spec.tune.searches.stages),
    )


def _look(spec: StudySpec, results: Results, searches: Mapping[str, int], stage: int) -> Look:
    most = max(searches.values())
    scope = Scope.of(spec, most)
    unfinished = tuple(arm.name for arm in spec.arms if not _has_choice(spec, arm.name, searches[arm.name], results))
    arms = {
        arm.name: scope.units(values_of(spec, arm.name, searches[arm.name], results))
        for arm in spec.arms
        if arm.name not in unfinished
    }
    rule = rule_of(spec, most, results)
    baseline = against_baseline(arms, spec.compare.baseline, rule) if spec.compare.baseline in arms else ()
    pairs = all_pairs(arms, rule)
    last = stage + 1 == len(spec.tune.searches.stages)
    going_on = (
        frozenset() if last else _going_on((*baseline, *pairs), [name for name in arms if searches[name] == most])
    )
    return Look(searches, unfinished, baseline, pairs, going_on, complete=not going_on)


def _going_on(comparisons: tuple[Comparison, ...], alive: list[str]) -> frozenset[str]:
    """The arms of comparisons that further searches may settle: those between arms that are not dropped."""
    out = dropped(comparisons)
    left = {name for name in alive if name not in out}
    open_ones = [found for found in comparisons if not found.settled and {found.arm, found.other} <= left]
    return frozenset(name for found in open_ones for name in (found.arm, found.other))


def _has_choice(spec: StudySpec, arm: str, searches: int, results: Results) -> bool:
    return any(choose(spec, arm, search, results) is not None for search in range(searches))
