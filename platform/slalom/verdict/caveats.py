"""The warnings of a verdict, which a reader must know before quoting it; arms that share a warning share its line."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

from slalom.errors import listing
from slalom.study.ranges import IntRange, Range
from slalom.verdict.answers import Answer
from slalom.verdict.capacity import capacity, searches_needed
from slalom.verdict.crossing import crossing
from slalom.verdict.effort import at_equal_cost
from slalom.verdict.scope import Scope
from slalom.verdict.wording import count, equation, probability, short

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from slalom.study.model import Arm, StudySpec
    from slalom.study.ranges import Distribution
    from slalom.verdict.looks import Look
    from slalom.verdict.summary import ArmSummary
    from slalom.wire.trial import Scalar

EDGE = 0.1
"""The share of a range, at either end, that counts as its edge."""

OFTEN = 0.3
"""The least share of an arm's searches that choose at an edge for which a warning says so."""

MOST = 3
"""The most changes of order that the warning lists."""


def warnings_of(spec: StudySpec, arms: Sequence[ArmSummary], look: Look) -> Iterator[str]:
    """The warnings, the weightiest first, a sentence each without its full stop."""
    yield from _unfinished(spec, arms)
    yield from _capacity(spec, look)
    yield from _diverged(spec, arms)
    yield from _robust(spec, look)
    yield from _edges(spec, arms)
    yield from _spaces(spec)
    yield from _costs(spec, arms)
    yield from _orders(spec, arms)
    yield from _none_diverged(arms)


def _unfinished(spec: StudySpec, arms: Sequence[ArmSummary]) -> Iterator[str]:
    for arm in arms:
        lost = _lost(arm)
        if lost and arm.confirm is None:
            ends = {"diverged": arm.tuning.diverged, "failed": arm.tuning.failed, "pruned": arm.tuning.pruned}
            how = listing([f"{number} {end}" for end, number in ends.items() if number])
            yield f"{arm.name} never finished a tuning trial ({how or 'none'} of {arm.tuning.trials})"
        elif lost:
            yield (
                f"{lost} of {len(arm.chosen)} searches of {arm.name} finished no tuning trial; each counts as the "
                f"worst {spec.metric.name}"
            )


def _lost(arm: ArmSummary, searches: int | None = None) -> int:
    """How many of an arm's first `searches` searches, or of all, ended without a choice."""
    return sum(choice is None for choice in arm.chosen[:searches])


def _capacity(spec: StudySpec, look: Look) -> Iterator[str]:
    """What the study's number of searches could not have shown, however great the difference."""
    arms, alpha = len(spec.arms) - len(look.unfinished), spec.compare.alpha
    if arms < 2:
        return
    scope = Scope.of(spec, look.most)
    looks = scope.looks(spec.tune.searches.stages)
    found = capacity(scope.number, arms, alpha, looks)
    if found.baseline and (found.all_pairs or scope.about == "choice"):
        return
    comparisons = arms * (arms - 1) // 2 if found.baseline else arms - 1
    enough = None if looks else searches_needed(comparisons, alpha)
    needed = f"; it takes {enough}" if enough else ""
    if found.baseline:
        yield f"{scope.number} {scope.noun} cannot show a winner among {arms} arms, whatever they find{needed}"
    else:
        least = probability(min(1.0, found.smallest_p * comparisons))
        yield f"{scope.number} {scope.noun} cannot give a p below {least}, whatever they find{needed}"


def _diverged(spec: StudySpec, arms: Sequence[ArmSummary]) -> Iterator[str]:
    """How often trainings diverged, and the test of it."""
    parts = []
    for arm in arms:
        found = arm.confirm
        trained = found.diverged - _lost(arm, found.searches) * found.seeds if found else 0
        if found and trained > 0:
            p = f" ({equation(arm.difference.divergence_p)})" if arm.difference else ""
            parts.append(f"{trained} of {found.searches * found.seeds} of {arm.name}{p}")
    if parts:
        worst = next(arm.confirm.worst for arm in arms if arm.confirm)
        test = "; p: of divergence as frequent as the baseline's" if any("p " in part for part in parts) else ""
        yield (
            f"confirm trainings that diverged or failed: {listing(parts)}; each counts as the worst "
            f"{spec.metric.name}, {short(worst)}{test}"
        )


def _none_diverged(arms: Sequence[ArmSummary]) -> Iterator[str]:
    """Where no training diverged: the largest rate of divergence that stays possible, at level 1 - alpha."""
    found = [arm.confirm for arm in arms if arm.confirm]
    if found and not any(one.diverged for one in found):
        most = max(found, key=lambda one: one.at_most)
        yield (
            f"none of the {most.searches * most.seeds} confirm trainings of any arm diverged; a rate of up to "
            f"{100 * most.at_most:.2g} % stays possible"
        )


def _robust(spec: StudySpec, look: Look) -> Iterator[str]:
    """The comparisons with the baseline where the interquartile mean gives another answer than the mean."""
    parts: dict[tuple[Answer, Answer], list[str]] = defaultdict(list)
    for one in look.baseline:
        told: Answer = one.answer if one.answer in (Answer.BETTER, Answer.WORSE) else Answer.UNDECIDED
        if one.answer is not Answer.IDENTICAL and told is not one.robust_answer:
            shown = f"{one.arm} ({one.robust.mean:+.3g}, {equation(one.robust.p)})"
            parts[one.robust_answer, told].append(shown)
    noun = Scope.of(spec, look.most).noun
    for (robust, told), names in parts.items():
        yield (
            f"a few {noun} decide: without the most extreme quarters of the {noun} {listing(names)} "
            f"{_told(robust, len(names))} {spec.compare.baseline}; with them {_told(told, len(names))} it"
        )


def _told(answer: Answer, number: int) -> str:
    if answer is Answer.UNDECIDED:
        return "cannot be told apart from"
    return f"{'is' if number == 1 else 'are'} {answer} than"


def _edges(spec: StudySpec, arms: Sequence[ArmSummary]) -> Iterator[str]:
    """Choices at the edge of their range: the best may lie beyond it."""
    edges: dict[str, list[str]] = defaultdict(list)
    for arm in arms:
        for edge, often in _edges_of(spec.arm(arm.name), arm):
            edges[edge].append(f"{arm.name}{often}")
    if edges:
        parts = [f"{listing(names)} chose {edge}" for edge, names in edges.items()]
        yield f"the best may lie beyond the range that was searched: {'; '.join(parts)}"


def _edges_of(arm: Arm, found: ArmSummary) -> Iterator[tuple[str, str]]:
    """The edges at which an arm often chooses, each with how often it does."""
    choices = [choice for choice in found.chosen if choice is not None]
    for name, distribution in arm.space.items():
        sides = [side_of(distribution, choice[name]) for choice in choices]
        for side, end in (("low", "lower"), ("high", "upper")):
            at = sides.count(side)
            if at >= max(1, OFTEN * len(choices)):
                often = f" ({at} of {len(choices)} searches)" if len(choices) > 1 else ""
                yield f"{name} near the {end} end of {_range(distribution)}", often


def side_of(distribution: Distribution, value: Scalar) -> str | None:
    """The end of its range, "low" or "high", near which a value lies; None where it is near none, or has no range."""
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
    """The numbers of hyperparameters, where they differ: more of them are harder to search with as many trials."""
    sizes = {arm.name: len(arm.space) for arm in spec.arms}
    if len(set(sizes.values())) > 1:
        yield f"unequally many hyperparameters are searched with equally many trials: {_grouped(sizes)}"


def _grouped(numbers: Mapping[str, int]) -> str:
    """Arms by their number, the largest first: "momentum 2; sgd and adam 1"."""
    names: dict[int, list[str]] = defaultdict(list)
    for name, number in numbers.items():
        names[number].append(name)
    return "; ".join(f"{listing(names[number])} {number}" for number in sorted(names, reverse=True))


def _costs(spec: StudySpec, arms: Sequence[ArmSummary]) -> Iterator[str]:
    """The numbers of nets that a trial trains, where they differ, and the arms' results at equal cost."""
    nets = {arm.name: arm.nets for arm in spec.arms}
    if len(set(nets.values())) == 1:
        return
    yield f"unequally many nets are trained in a trial, so that trials do not cost the same: {_grouped(nets)}"
    curves = {arm.name: arm.effort for arm in arms if arm.effort}
    budget = min((curve.trials * nets[name] for name, curve in curves.items()), default=0)
    if len(curves) > 1 and budget >= max(nets[name] for name in curves):
        equal = at_equal_cost(curves, {name: float(nets[name]) for name in curves})
        least, baseline = min(nets.values()), spec.compare.baseline
        costly = {name for name in equal if nets[name] > least}
        shown = equal.keys() if baseline in costly else costly | {baseline}
        each = [
            f"{name} {short(one.mean)} ({count(one.trials, 'trial')})" for name, one in equal.items() if name in shown
        ]
        yield f"after equally many nets, {budget} in a search, {spec.metric.on('validation')} is: {listing(each)}"


def _orders(spec: StudySpec, arms: Sequence[ArmSummary]) -> Iterator[str]:
    """Where the order of two arms changes with tuning effort."""
    curves = [(arm.name, arm.effort) for arm in arms if arm.effort]
    pairs = [(one, two) for one, two in combinations(curves, 2) if len(one[1].searches) == len(two[1].searches) > 1]
    minimize, alpha = spec.metric.goal == "minimize", spec.compare.alpha
    found = [
        crossing((one, two), (first, second), minimize=minimize, alpha=alpha, pairs=len(pairs))
        for (one, first), (two, second) in pairs
    ]
    told = [
        f"{one.early.ahead} is ahead at {count(one.early.trials, 'trial')}, {one.late.ahead} at {one.late.trials}"
        for one in found
        if one
    ]
    if told:
        more = [f"{count(len(told) - MOST, 'further pair')} of arms"] if len(told) > MOST else []
        yield f"the order depends on the tuning effort, by {spec.metric.on('validation')}: " + "; ".join(
            [*told[:MOST], *more]
        )
