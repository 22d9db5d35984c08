"""What a reader must know before quoting a verdict: divergence, choices at an edge, unequal spaces and costs."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

from slalom.errors import listing
from slalom.study.model import IntRange, Range
from slalom.verdict.answers import Answer
from slalom.verdict.capacity import capacity
from slalom.verdict.crossing import crossing
from slalom.verdict.stages import Looks
from slalom.verdict.wording import count, equation, probability, short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slalom.study.model import Arm, Distribution, StudySpec
    from slalom.verdict.looks import Look
    from slalom.verdict.summary import ArmSummary
    from slalom.wire.trial import Scalar

EDGE = 0.1
"""The share of a range, at either end, that counts as its edge."""

OFTEN = 0.3
"""The share of an arm's searches that choose at an edge from which on it is said."""


def warnings_of(spec: StudySpec, arms: Sequence[ArmSummary], look: Look) -> Iterator[str]:
    """A sentence each, without its full stop."""
    yield from _unfinished(spec, arms)
    yield from _divergence(spec, arms)
    yield from _robust(spec, look)
    yield from _capacity(spec, look)
    for arm in arms:
        yield from _edges(spec.arm(arm.name), arm)
    yield from _spaces(spec)
    yield from _costs(spec)
    yield from _orders(spec, arms)


def _unfinished(spec: StudySpec, arms: Sequence[ArmSummary]) -> Iterator[str]:
    for arm in arms:
        lost = sum(choice is None for choice in arm.chosen)
        if lost and arm.confirm is None:
            ends = {"diverged": arm.tuning.diverged, "failed": arm.tuning.failed, "pruned": arm.tuning.pruned}
            how = listing([f"{number} {end}" for end, number in ends.items() if number])
            yield f"{arm.name} never finished a tuning trial ({how or 'none'} of {arm.tuning.trials})"
        elif lost:
            yield (
                f"in {lost} of {len(arm.chosen)} searches of {arm.name} no tuning trial was completed; each counts as "
                f"the worst {spec.metric.name}"
            )


def _divergence(spec: StudySpec, arms: Sequence[ArmSummary]) -> Iterator[str]:
    """How often trainings diverged, which test there is of it, and what cannot be seen where none did."""
    confirmed = [(arm, arm.confirm) for arm in arms if arm.confirm]
    for arm, found in confirmed:
        if found.diverged:
            text = (
                f"{found.diverged} of {count(found.searches * found.seeds, 'confirm training')} of {arm.name} diverged "
                f"or failed, each counting as the worst {spec.metric.name}, {short(found.worst)}"
            )
            if arm.difference:
                text += f"; equally frequent divergence: {equation(arm.difference.divergence_p)}"
            yield text
    if confirmed and not any(found.diverged for _, found in confirmed):
        most = max(found.at_most for _, found in confirmed)
        yield f"no confirm training diverged, which leaves a rate of up to {100 * most:.2g} % open for each arm"


def _robust(spec: StudySpec, look: Look) -> Iterator[str]:
    """Where the mean and the interquartile mean say different things."""
    for one in look.baseline:
        told = one.answer if one.answer in (Answer.BETTER, Answer.WORSE) else Answer.UNDECIDED
        if one.answer is not Answer.IDENTICAL and told is not one.robust_answer:
            yield (
                f"without its most extreme quarters {one.arm} is {_told(one.robust_answer)} {spec.compare.baseline} "
                f"(interquartile difference {one.robust.mean:+.3g}, {equation(one.robust.p)}), where the mean says "
                f"{_told(told)}"
            )


def _told(answer: Answer) -> str:
    return "not told apart from" if answer is Answer.UNDECIDED else f"{answer} than"


def _capacity(spec: StudySpec, look: Look) -> Iterator[str]:
    """What so many searches could not have shown, however great the difference."""
    arms = len(spec.arms) - len(look.unfinished)
    if arms < 2:
        return
    stages = spec.tune.searches.stages
    units = spec.confirm_seeds if look.most == 1 else look.most
    found = capacity(units, arms, spec.compare.alpha, Looks(stages) if len(stages) > 1 else None)
    what = "paired seeds" if look.most == 1 else "searches"
    if not found.baseline:
        least = probability(min(1.0, found.smallest_p * (arms - 1)))
        yield f"{units} {what} cannot show a p below {least} after the correction, however great a difference is"
    elif not found.all_pairs and arms > 2:
        yield f"{units} {what} cannot show a winner among {arms} arms, however great a difference is"


def _edges(arm: Arm, found: ArmSummary) -> Iterator[str]:
    """Choices at the edge of their range: the best may lie beyond it."""
    choices = [choice for choice in found.chosen if choice is not None]
    for name, distribution in arm.space.items():
        sides = [_side(distribution, choice[name]) for choice in choices]
        for side, end in (("low", "lower"), ("high", "upper")):
            at = sides.count(side)
            if at >= max(1, OFTEN * len(choices)):
                yield (
                    f"{arm.name} chose {name} at the {end} end of {_range(distribution)} in {at} of "
                    f"{count(len(choices), 'search', 'searches')}: the best may lie beyond it"
                )


def _side(distribution: Distribution, value: Scalar) -> str | None:
    """The end of its range that a choice lies at."""
    if not isinstance(distribution, Range | IntRange) or not isinstance(value, int | float):
        return None
    scale = math.log if isinstance(distribution, Range) and distribution.log else float
    low, high = scale(distribution.low), scale(distribution.high)
    place = (scale(value) - low) / (high - low)
    return "low" if place < EDGE else "high" if place > 1 - EDGE else None


def _range(distribution: Distribution) -> str:
    if isinstance(distribution, Range | IntRange):
        return f"[{distribution.low:g}, {distribution.high:g}]"
    return str(distribution)


def _spaces(spec: StudySpec) -> Iterator[str]:
    """Arms that search more dimensions than others have a harder search at the same number of trials."""
    sizes = {arm.name: len(arm.space) for arm in spec.arms}
    least = min(sizes.values())
    more = [f"{name} searches {size}" for name, size in sizes.items() if size > least]
    if more:
        yield f"the arms' searches are not equally hard: {listing(more)} hyperparameters, the others {least}"


def _costs(spec: StudySpec) -> Iterator[str]:
    """Arms whose trials train several nets cost more than the others at the same number of trials."""
    least = min(arm.nets for arm in spec.arms)
    more = [f"{arm.name} {arm.nets}" for arm in spec.arms if arm.nets > least]
    if more:
        yield f"trials do not cost the same: {listing(more)} nets a trial, the others {least}"


def _orders(spec: StudySpec, arms: Sequence[ArmSummary]) -> Iterator[str]:
    """Where the order of two arms changes with tuning effort."""
    curves = [(arm.name, arm.effort) for arm in arms if arm.effort]
    pairs = [(one, two) for one, two in combinations(curves, 2) if len(one[1].searches) == len(two[1].searches) > 1]
    minimize = spec.metric.goal == "minimize"
    for (one, first), (two, second) in pairs:
        found = crossing((one, two), (first, second), minimize=minimize, alpha=spec.compare.alpha, pairs=len(pairs))
        if found:
            early, late = found.early, found.late
            yield (
                f"by validation {spec.metric.name}, {early.ahead} is ahead at {count(early.trials, 'trial')}, "
                f"{late.ahead} at {late.trials}"
            )
