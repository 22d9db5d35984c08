"""The choice of a search: the best of its trials by validation data. Test data choose nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slalom.search.halving import completing
from slalom.study.space import grid_points
from slalom.wire.trial import Outcome, Phase, TrialId, validation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slalom.study.model import Arm, Metric, StudySpec
    from slalom.wire.trial import Ended

    Results = Mapping[TrialId, Ended]


def contenders(spec: StudySpec, arm: str, search: int, results: Results) -> list[Ended] | None:
    """The tuning trials among which a search picks, best first, no two of the same hyperparameters.

    They are the best completed trials by validation value, the lower number first among equals: an empty list where no
    trial completed, and None while tuning trials are missing.
    """
    trials = ended_of(arm, Phase.TUNE, search, spec.tune.trials, results)
    if len(trials) < spec.tune.trials:
        return None
    ranked = _ranked(spec.metric, [(final(trial, validation(spec.metric.name)), trial) for trial in trials])
    different = {tuple(sorted(trial.spec.params.items())): trial for trial in reversed(ranked)}
    kept = {trial.spec.id for trial in different.values()}
    return [trial for trial in ranked if trial.spec.id in kept][: spec.tune.pick.best]


def picked(spec: StudySpec, arm: str, search: int, count: int) -> list[TrialId]:
    """The pick trials that decide among `count` contenders, those of the best one first; none for one contender."""
    seeds = spec.tune.pick.seeds
    return [TrialId(arm, Phase.PICK, number, search) for number in range(count * seeds if count > 1 else 0)]


def most_picked(spec: StudySpec, arm: Arm) -> int:
    """The most pick trials that one search of the arm can have."""
    points = grid_points(arm.space)
    contenders = min(spec.tune.pick.best, completing(spec), math.inf if points is None else points)
    return len(picked(spec, arm.name, 0, int(contenders)))


def choose(spec: StudySpec, arm: str, search: int, results: Results) -> Ended | None:
    """The tuning trial whose hyperparameters a search ends with; None while it is under way, or if none completed."""
    return ending(spec, arm, search, results)[1]


def ending(spec: StudySpec, arm: str, search: int, results: Results) -> tuple[bool, Ended | None]:
    """Whether a search has ended, and its choice: None while it is under way, and where none of its trials completed.

    Among several contenders the best mean validation value over their pick trials decides, and among equals the better
    tuning trial. A contender with a pick trial that has no finite value ranks behind all others.
    """
    found = contenders(spec, arm, search, results)
    if not found:
        return found is not None, None
    trials = picked(spec, arm, search, len(found))
    if not trials:
        return True, found[0]
    if not all(trial in results for trial in trials):
        return False, None
    seeds, name = spec.tune.pick.seeds, validation(spec.metric.name)
    values = [final(results[trial], name) for trial in trials]
    means = [math.fsum(values[start : start + seeds]) / seeds for start in range(0, len(values), seeds)]
    ranked = _ranked(spec.metric, zip(means, found, strict=True))
    return True, ranked[0] if ranked else found[0]


def ended_of(arm: str, phase: Phase, search: int, budget: int, results: Results) -> list[Ended]:
    """The trials that ended among the first `budget` of a search's phase, in the order of their numbers."""
    keys = (TrialId(arm, phase, number, search) for number in range(budget))
    return [results[key] for key in keys if key in results]


def final(trial: Ended, name: str) -> float:
    """The final metric of that name ("validation.error") of a completed trial; NaN where the trial has none."""
    complete = trial.result.outcome is Outcome.COMPLETE
    return trial.result.metrics.get(name, math.nan) if complete else math.nan


def best(metric: Metric, trials: Sequence[Ended]) -> Ended | None:
    """The trial of the best finite validation value, the first of equals; None where no trial has one."""
    ranked = _ranked(metric, [(final(trial, validation(metric.name)), trial) for trial in trials])
    return ranked[0] if ranked else None


def _ranked(metric: Metric, valued: Iterable[tuple[float, Ended]]) -> list[Ended]:
    """The trials with a finite value, best first, equal ones in the order given."""
    sign = 1 if metric.goal == "minimize" else -1
    finite = [(sign * value, trial) for value, trial in valued if math.isfinite(value)]
    return [trial for _, trial in sorted(finite, key=lambda one: one[0])]
