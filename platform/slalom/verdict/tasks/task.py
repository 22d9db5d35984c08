"""A finished study as one task of several, and the rules by which studies are a set of tasks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.errors import InputError, listing
from slalom.verdict.summary import State
from slalom.verdict.tasks.ranks import smallest_p, tasks_needed
from slalom.verdict.wording import count, probability

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Summary

    Study = tuple[StudySpec, Summary]


@dataclass(frozen=True)
class Task:
    """A finished study.

    metric: as people read it, such as "test error"; searches: the most over which a value is the mean
    values: each arm's mean on test data, in the order of the first study's arms; infinite, on the worse side, for an
        arm that finished no tuning trial: [arms]
    """

    study: str
    question: str
    fingerprint: str
    metric: str
    searches: int
    values: tuple[float, ...]


def tasks_of(studies: Sequence[Study]) -> tuple[Task, ...]:
    """The studies as tasks, with arms in the order of the first study's.

    Raises InputError where there are fewer than two studies, or too few to tell the arms apart, where one is not
    complete or is named twice, or where arms or the metric's goal differ.
    """
    if len(studies) < 2:
        raise InputError(f"arms are compared over several finished studies, at least two, but got {len(studies)}")
    first, _ = studies[0]
    for number, study in enumerate(studies):
        _check(study, first, [spec for spec, _ in studies[:number]])
    alpha, arms = alpha_of(studies), len(first.arms)
    if (needed := tasks_needed(arms, alpha)) > len(studies):
        least = probability(smallest_p(len(studies), arms))
        raise InputError(
            f"{count(len(studies), 'study', 'studies')} cannot tell {count(arms, 'arm')} apart, whatever they found: "
            f"by chance alone all of them put the arms in one order with p = {least}, and it must be below {alpha:g}; "
            f"it takes {needed}"
        )
    return tuple(_task(study, [arm.name for arm in first.arms]) for study in studies)


def alpha_of(studies: Sequence[Study]) -> float:
    """The level of the comparison: the smallest of the studies'."""
    return min(spec.compare.alpha for spec, _ in studies)


def trained_otherwise(studies: Sequence[Study]) -> Iterator[str]:
    """The arms that studies do not write in the same words, a sentence each, without its full stop."""
    (first, _), *others = studies
    for arm in first.arms:
        differ = [spec.name for spec, _ in others if _written(spec, arm.name) != _written(first, arm.name)]
        if differ:
            yield f"{arm.name} is written otherwise in {listing(differ)} than in {first.name}, by their study files"


def _written(spec: StudySpec, arm: str) -> object:
    """What a study file says of an arm; None for a study that has no text."""
    arms: Mapping[str, object] = spec.document.get("arms", {}) if spec.text else {}
    return arms.get(arm)


def _check(study: Study, first: StudySpec, before: Sequence[StudySpec]) -> None:
    """Raise InputError where a study cannot stand beside the first, or stands there already."""
    spec, summary = study
    if any(spec.fingerprint == other.fingerprint for other in before):
        raise InputError(f"{spec.name}: every study must be another one, but this one is named twice")
    if summary.state is not State.COMPLETE or summary.verdict is None:
        raise InputError(
            f"{spec.name}: only finished studies are compared, but this one is {summary.state}; "
            "`slalom run` goes on with it"
        )
    ours, theirs = [arm.name for arm in spec.arms], [arm.name for arm in first.arms]
    if set(ours) != set(theirs):
        lacks = [name for name in theirs if name not in ours]
        more = [name for name in ours if name not in theirs]
        how = " and ".join(
            [*([f"lacks {listing(lacks)}"] if lacks else []), *([f"has {listing(more)} beside"] if more else [])]
        )
        raise InputError(f"{spec.name}: its arms must be those of {first.name}, but it {how}")
    if spec.metric.goal != first.metric.goal:
        raise InputError(
            f"{spec.name}: its metric must be better in the same direction as {first.name}'s, but it would "
            f"{spec.metric.goal} {spec.metric.name}, and {first.name} {first.metric.goal} {first.metric.name}"
        )


def _task(study: Study, arms: Sequence[str]) -> Task:
    spec, summary = study
    nothing = math.inf if spec.metric.goal == "minimize" else -math.inf
    reached = {arm.name: arm.confirm.mean if arm.confirm else nothing for arm in summary.arms}
    return Task(
        study=spec.name,
        question=spec.question,
        fingerprint=spec.fingerprint,
        metric=spec.metric.on("test"),
        searches=summary.verdict.searches if summary.verdict else 0,
        values=tuple(reached[name] for name in arms),
    )
