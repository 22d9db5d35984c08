"""The tuning trials of each arm, for slices and parallel coordinates, and what matters of what was searched."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.search.choice import choose, ended_of
from slalom.search.on_optuna.importance import importances
from slalom.study.ranges import Choices, Range
from slalom.wire.trial import Outcome, Phase, validation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.search.choice import Results
    from slalom.study.model import Arm, StudySpec
    from slalom.study.ranges import Distribution
    from slalom.verdict.summary import Summary
    from slalom.wire.trial import Ended, Scalar, TrialId

MOST = 150
"""Trials of an arm that are shown at most, evenly spread over its searches; its choices are always among them."""


@dataclass(frozen=True)
class TriedTrial:
    """A tuning trial.

    value: its last validation value; None where it diverged or failed, or reported none
    is_choice: whether its search ended with it
    """

    search: int
    number: int
    outcome: Outcome
    params: Mapping[str, Scalar]
    value: float | None
    is_choice: bool


@dataclass(frozen=True)
class Axis:
    """What a hyperparameter was drawn from: a range, evenly in its logarithm where `log` is set, or options."""

    name: str
    low: float  # NaN where there are options
    high: float
    log: bool
    options: tuple[Scalar, ...]


@dataclass(frozen=True)
class ArmTried:
    """The trials of an arm.

    shown: of `number` tuning trials those that are shown
    importance: by hyperparameter, shares that add up to 1, as Optuna's PED-ANOVA gives them; none where fewer than two
        are searched or too few trials completed
    """

    arm: str
    number: int
    axes: tuple[Axis, ...]
    shown: tuple[TriedTrial, ...]
    importance: Mapping[str, float]


@dataclass(frozen=True)
class Tried:
    """The arms that search something; metric: what people read, such as "validation error"."""

    metric: str
    goal: str
    arms: tuple[ArmTried, ...]


def tried(spec: StudySpec, summary: Summary, results: Results) -> Tried:
    """The trials of a study's searches."""
    arms = tuple(_arm(spec, spec.arm(arm.name), len(arm.chosen), results) for arm in summary.arms)
    return Tried(spec.metric.on("validation"), spec.metric.goal, tuple(arm for arm in arms if arm.axes and arm.shown))


def _arm(spec: StudySpec, arm: Arm, over: int, results: Results) -> ArmTried:
    every = range(spec.tune.searches.at_most)
    trials = [trial for search in every for trial in ended_of(arm.name, Phase.TUNE, search, spec.tune.trials, results)]
    choices = [choose(spec, arm.name, search, results) for search in range(over)]
    chosen = {choice.spec.id for choice in choices if choice is not None}
    shown = tuple(_trial(trial, validation(spec.metric.name), chosen) for trial in _spread(trials, chosen))
    axes = tuple(_axis(name, distribution) for name, distribution in arm.space.items())
    return ArmTried(arm.name, len(trials), axes, shown, importances(spec, arm, trials))


def _axis(name: str, distribution: Distribution) -> Axis:
    if isinstance(distribution, Choices):
        return Axis(name, math.nan, math.nan, False, distribution.options)
    is_log = isinstance(distribution, Range) and distribution.log
    return Axis(name, float(distribution.low), float(distribution.high), is_log, ())


def _trial(trial: Ended, name: str, chosen: set[TrialId]) -> TriedTrial:
    result = trial.result
    reports = [report.metrics[name] for report in result.history if name in report.metrics]
    last = result.metrics.get(name, reports[-1] if reports else math.nan)
    is_lost = result.outcome in (Outcome.DIVERGED, Outcome.FAILED) or not math.isfinite(last)
    place, value = trial.spec.id, None if is_lost else last
    return TriedTrial(place.search, place.number, result.outcome, trial.spec.params, value, place in chosen)


def _spread(trials: Sequence[Ended], chosen: set[TrialId]) -> list[Ended]:
    """The choices, and as many of the others as there is room for."""
    if len(trials) <= MOST:
        return list(trials)
    others = [trial for trial in trials if trial.spec.id not in chosen]
    room = max(1, MOST - len(chosen))
    kept = {others[round(place * (len(others) - 1) / max(1, room - 1))].spec.id for place in range(room)}
    return [trial for trial in trials if trial.spec.id in kept | chosen]
