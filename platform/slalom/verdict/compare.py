"""The summary of a study as it stands: each arm's searches, choices and confirm results, and the verdict."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from slalom.search.choice import best, choose, ended_of, final
from slalom.verdict.divergence import divergence_rate
from slalom.verdict.effort import effort_curve
from slalom.verdict.looks import last_look
from slalom.verdict.paired import mean_interval
from slalom.verdict.results import confirmed, values_of, worst_value
from slalom.verdict.robust import interquartile_mean
from slalom.verdict.scope import Scope
from slalom.verdict.sentence import decide
from slalom.verdict.summary import ArmSummary, Confirmed, State, Summary, Throughput, Tuning
from slalom.wire.trial import Outcome, Phase, validation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.search.choice import Results
    from slalom.study.model import Arm, StudySpec
    from slalom.verdict.effort import EffortCurve
    from slalom.verdict.interval import Interval
    from slalom.verdict.looks import Look
    from slalom.verdict.search_values import SearchValues
    from slalom.wire.trial import Ended


def summarise(
    spec: StudySpec, results: Results, state: State = State.RUNNING, throughput: Throughput | None = None
) -> Summary:
    """The summary of a study; the same results give the same numbers bit for bit, in any order of the arms."""
    look = last_look(spec, results)
    arms = tuple(_arm(spec, arm, look, results) for arm in spec.arms)
    verdict = decide(spec, arms, look) if look is not None and look.complete else None
    return Summary(state, arms, verdict, throughput or Throughput())


def _arm(spec: StudySpec, arm: Arm, look: Look | None, results: Results) -> ArmSummary:
    over = confirmed(spec, arm.name, results)
    counted = look.searches[arm.name] if look else 0
    is_out = look is not None and arm.name in look.unfinished
    choices = [choose(spec, arm.name, search, results) for search in range(over)]
    return ArmSummary(
        name=arm.name,
        budget=spec.tune.trials * _allowed(spec, arm.name, look),
        chosen=tuple(None if choice is None else dict(choice.spec.params) for choice in choices),
        tuning=_tuning(spec, arm.name, results),
        confirm=confirm(spec, arm.name, counted, results) if counted and not is_out else None,
        difference=next((one for one in look.baseline if one.arm == arm.name), None) if look else None,
        effort=_effort(spec, arm.name, counted, results) if counted and not is_out else None,
        kept=_kept(spec, arm.name, over, results),
    )


def confirm(spec: StudySpec, arm: str, searches: int, results: Results) -> Confirmed:
    """The confirm results of an arm's first `searches` searches, all of which are over."""
    values = values_of(spec, arm, searches, results)
    worst = worst_value(spec, results)
    units = Scope.of(spec, searches).units(values)
    means = values.means(worst)
    rate = divergence_rate(values, spec.compare.alpha)
    return Confirmed(
        searches=searches,
        seeds=spec.confirm_seeds,
        values=values.values,
        worst=worst,
        mean=float(np.mean(means)),
        interval=_interval(units, worst, spec.compare.alpha),
        robust=interquartile_mean(units.means(worst)),
        diverged=rate.diverged,
        at_most=rate.at_most,
    )


@lru_cache(maxsize=4096)
def _interval(values: SearchValues, worst: float, alpha: float) -> Interval:
    # The cache: a study is summarised whenever an arm is done, and each time the other arms' intervals are asked again.
    return mean_interval(values.means(worst), alpha)


def _allowed(spec: StudySpec, arm: str, look: Look | None) -> int:
    """How many searches an arm is allowed so far."""
    stages = spec.tune.searches.stages
    if look is None:
        return stages[0]
    if arm not in look.going_on:
        return look.searches[arm]
    return next(stage for stage in stages if stage > look.searches[arm])


def _tuning(spec: StudySpec, arm: str, results: Results) -> Tuning:
    """An arm's tuning so far: the trials of all its searches that ended."""
    searches = _tuned(spec, arm, results)
    trials = [trial for search in searches for trial in search]
    outcomes = [trial.result.outcome for trial in trials]
    found = best(spec.metric, trials)
    return Tuning(
        trials=len(trials),
        pruned=outcomes.count(Outcome.PRUNED),
        diverged=outcomes.count(Outcome.DIVERGED),
        failed=outcomes.count(Outcome.FAILED),
        duplicates=sum(
            len(search) - len({tuple(sorted(trial.spec.params.items())) for trial in search}) for search in searches
        ),
        best=final(found, validation(spec.metric.name)) if found else None,
    )


def _tuned(spec: StudySpec, arm: str, results: Results) -> list[list[Ended]]:
    """The tuning trials of an arm that ended, search by search, without the searches that have none."""
    every = range(spec.tune.searches.at_most)
    searches = [ended_of(arm, Phase.TUNE, search, spec.tune.trials, results) for search in every]
    return [trials for trials in searches if trials]


def _effort(spec: StudySpec, arm: str, searches: int, results: Results) -> EffortCurve | None:
    """The effort curve over an arm's first searches; None where no trial completed."""
    name = validation(spec.metric.name)
    minimize = spec.metric.goal == "minimize"
    values = [[final(trial, name) for trial in search] for search in _tuned(spec, arm, results)[:searches]]
    finite = [value for search in values for value in search if math.isfinite(value)]
    if not finite:
        return None
    worst = max(finite) if minimize else min(finite)
    exchangeable = spec.tune.sampler in ("random", "grid")
    rows = tuple(tuple(value if math.isfinite(value) else math.nan for value in search) for search in values)
    return _curve(repr(rows), rows, minimize, worst, spec.compare.alpha, exchangeable)


@lru_cache(maxsize=256)
def _curve(
    _key: str, rows: Sequence[Sequence[float]], minimize: bool, worst: float, alpha: float, exchangeable: bool
) -> EffortCurve:
    return effort_curve(rows, minimize=minimize, worst=worst, alpha=alpha, exchangeable=exchangeable)


def _kept(spec: StudySpec, arm: str, searches: int, results: Results) -> tuple[int, int] | None:
    """The search and number of the confirm trial of the best validation value: test data select nothing."""
    trials = [
        trial
        for search in range(searches)
        for trial in ended_of(arm, Phase.CONFIRM, search, spec.confirm_seeds, results)
    ]
    found = best(spec.metric, trials)
    return (found.spec.id.search, found.spec.id.number) if found else None
