"""A study's results as numbers: each arm's confirm values search by search, and what a diverged training counts as.

The tuning value of a trial is its final "validation.<metric>", the confirm value its "test.<metric>"; validation values
choose hyperparameters, test values alone reach the verdict.

A confirm trial that diverged or failed has no value, nor has any of a search in which no trial completed. In a mean it
counts as the worst value, and so against its arm. For a metric that has a worst value, such as an error, this is that
value. For any other metric, and any that a training function of the user's reports, it is the worst finite test value
among the confirm trials up to the study's first look, or where there is none, the worst finite validation value among
the tuning trials up to then. Later searches do not change it, so that a comparison that is decided stays decided.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slalom.search.choice import ended_of, ending, final
from slalom.verdict.search_values import SearchValues
from slalom.wire.trial import Phase, test, validation

if TYPE_CHECKING:
    from slalom.search.choice import Results
    from slalom.study.model import StudySpec


def confirmed(spec: StudySpec, arm: str, results: Results) -> int:
    """How many of an arm's searches, from the first on, are over with their confirm trials."""
    for search in range(spec.tune.searches.at_most):
        is_over, choice = ending(spec, arm, search, results)
        trials = ended_of(arm, Phase.CONFIRM, search, spec.confirm_seeds, results)
        if not is_over or (choice is not None and len(trials) < spec.confirm_seeds):
            return search
    return spec.tune.searches.at_most


def values_of(spec: StudySpec, arm: str, searches: int, results: Results) -> SearchValues:
    """The confirm values [searches, seeds] of an arm's first searches, all of which are `confirmed`."""
    name, nothing = test(spec.metric.name), (math.nan,) * spec.confirm_seeds
    table = [
        [final(trial, name) for trial in ended_of(arm, Phase.CONFIRM, search, spec.confirm_seeds, results)] or nothing
        for search in range(searches)
    ]
    return SearchValues.of([[value if math.isfinite(value) else math.nan for value in row] for row in table])


def worst_value(spec: StudySpec, results: Results) -> float:
    """What a training without a value counts as; see the module."""
    if spec.metric.worst is not None:
        return spec.metric.worst
    worst = max if spec.metric.goal == "minimize" else min
    searches = spec.tune.searches.at_least
    for phase, name in ((Phase.CONFIRM, test(spec.metric.name)), (Phase.TUNE, validation(spec.metric.name))):
        found = [final(trial, name) for key, trial in results.items() if key.phase is phase and key.search < searches]
        if finite := [value for value in found if math.isfinite(value)]:
            return worst(finite)
    return 0.0
