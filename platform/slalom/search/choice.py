"""What an arm's search chooses: the best completed trial by validation data. Test data choose nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slalom.wire.trial import Outcome, Phase, TrialId, validation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.study.model import Metric, StudySpec
    from slalom.wire.trial import Ended

    Results = Mapping[TrialId, Ended]


def choose(spec: StudySpec, arm: str, results: Results) -> Ended | None:
    """The arm's best completed tuning trial, the first of equals; None while it is tuned, or if none completed."""
    trials = ended(arm, Phase.TUNE, spec.tune.trials, results)
    return best(spec.metric, trials) if len(trials) == spec.tune.trials else None


def best_seed(spec: StudySpec, arm: str, results: Results) -> int | None:
    """The number of the arm's confirm trial with the best validation value; None until all of them ended."""
    trials = ended(arm, Phase.CONFIRM, spec.confirm_seeds, results)
    found = best(spec.metric, trials) if len(trials) == spec.confirm_seeds else None
    return found.spec.id.number if found else None


def ended(arm: str, phase: Phase, budget: int, results: Results) -> list[Ended]:
    """Those of the arm's first `budget` trials of a phase that ended, by number."""
    keys = (TrialId(arm, phase, number) for number in range(budget))
    return [results[key] for key in keys if key in results]


def final(trial: Ended, name: str) -> float:
    """The final metric of that name ("validation.error") of a completed trial; NaN where the trial has none."""
    complete = trial.result.outcome is Outcome.COMPLETE
    return trial.result.metrics.get(name, math.nan) if complete else math.nan


def best(metric: Metric, trials: Sequence[Ended]) -> Ended | None:
    """The trial of the best finite validation value, the first of equals; None where no trial has one."""
    name = validation(metric.name)
    found, found_value = None, math.nan
    for trial in trials:
        value = final(trial, name)
        if math.isfinite(value) and (found is None or metric.better(value, found_value)):
            found, found_value = trial, value
    return found
