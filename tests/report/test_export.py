"""Every trial of a study as plain values."""

from __future__ import annotations

import json
import math

from slalom.report.export import export
from slalom.wire.trial import Outcome, Phase
from tests.support.record_samples import all_ended, ended, study


def test_trials_are_exported_by_arm_search_phase_and_number():
    trials = [
        (arm, search, phase, number)
        for arm in ("constant", "rising")
        for search in (0, 1)
        for phase in Phase
        for number in (0, 1)
    ]
    ended = {one.spec.id: one for one in reversed(all_ended())}
    found = export(study(), ended)
    assert [(one["arm"], one["search"], one["phase"], one["number"]) for one in found] == trials
    keys = {"arm", "search", "number", "phase", "seed", "attempt", "outcome", "params", "metrics", "history"}
    assert all(set(one) >= keys for one in found)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    seeds = {(one["search"], one["phase"], one["number"]): one["seed"] for one in found}
    assert len(set(seeds.values())) == len(seeds), "the seeds of every search are its own, and the same in both arms"


def test_numbers_that_are_not_finite_become_null():
    lost = ended(outcome=Outcome.DIVERGED, search=1, metrics={"validation.error": math.inf, "train.loss": math.nan})
    (row,) = export(study(), {lost.spec.id: lost})
    assert (row["search"], row["outcome"]) == (1, "diverged")
    assert row["metrics"] == {"validation.error": None, "train.loss": None}
