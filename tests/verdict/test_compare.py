"""What the ended trials of made-up studies say, at the seam that the loop and the command line use."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

import slalom.verdict.compare
from slalom.search.choice import choose
from slalom.study.model import Compare, Pick
from slalom.verdict import answers
from slalom.verdict.answers import Answer
from slalom.verdict.compare import summarise
from slalom.verdict.results import worst_value
from slalom.verdict.search_values import SearchValues
from slalom.verdict.summary import State, Throughput
from slalom.wire.trial import Outcome, Phase, TrialId
from tests.verdict.made_up import NAN, confirming, drawn, finished, study, tuning


def arms_of(spec, results):
    return {arm.name: arm for arm in summarise(spec, results).arms}


# Tuning


def test_every_search_chooses_its_best_completed_trial_once_it_is_over():
    spec = study("a", "b", trials=4, searches=2, seeds=1)
    outcomes = [Outcome.COMPLETE, Outcome.PRUNED, Outcome.COMPLETE, Outcome.COMPLETE]
    results = tuning(spec, "a", [0.3, 0.1, 0.2, 0.2], outcomes) | confirming(spec, "a", [0.3])
    results |= tuning(spec, "a", [0.1, 0.15, 0.2, 0.2], outcomes, search=1) | confirming(spec, "a", [0.3], search=1)
    arm = arms_of(spec, results)["a"]
    assert [choice["rate"] for choice in arm.chosen] == pytest.approx([0.3, 0.1]), "a pruned trial is not chosen"
    assert (arm.tuning.trials, arm.tuning.pruned, arm.tuning.best, arm.budget) == (8, 2, 0.1, 8)
    del results[TrialId("a", Phase.TUNE, 1)]
    arm = arms_of(spec, results)["a"]
    assert arm.chosen == (), "searches count from the first on, without a gap"
    assert arm.tuning.best == 0.1


def test_the_highest_is_chosen_where_the_metric_is_maximized():
    spec = study("a", metric="accuracy", trials=3, searches=1)
    assert choose(spec, "a", 0, tuning(spec, "a", [0.7, 0.9, 0.8])).spec.id.number == 1


def test_the_pick_decides_among_the_best():
    spec = study("a", trials=3, searches=1, seeds=1, pick=Pick(best=2, seeds=2))
    results = tuning(spec, "a", [0.3, 0.1, 0.2])
    assert choose(spec, "a", 0, results) is None, "the picks are to come"
    results |= tuning(spec, "a", [0.2, 0.3, 0.2, 0.2], params=[{"rate": 0.1}] * 4, phase=Phase.PICK)
    assert choose(spec, "a", 0, results).spec.id.number == 2
    results |= tuning(spec, "a", [0.2, 0.2, 0.1, NAN], params=[{"rate": 0.1}] * 4, phase=Phase.PICK)
    assert choose(spec, "a", 0, results).spec.id.number == 1, "a diverged pick counts as the worst"


def test_ends_and_duplicates_are_counted_search_by_search():
    spec = study("a", trials=4, searches=2)
    outcomes = [Outcome.FAILED, Outcome.DIVERGED, Outcome.PRUNED, Outcome.COMPLETE]
    params = [{"rate": 1.0}, {"rate": 2.0}, {"rate": 1.0}, {"rate": 1.0}]
    results = tuning(spec, "a", [NAN, NAN, 0.4, 0.3], outcomes, params)
    found = arms_of(spec, results | tuning(spec, "a", [0.4, 0.3, 0.2, 0.1], search=1))["a"].tuning
    assert (found.failed, found.diverged, found.pruned, found.duplicates) == (1, 1, 1, 2)
    assert found.trials == 8


def test_a_completed_trial_without_a_finite_value_is_not_chosen():
    spec = study("a", trials=2, searches=1)
    results = tuning(spec, "a", [NAN, 0.9], [Outcome.COMPLETE] * 2)
    assert choose(spec, "a", 0, results).spec.id.number == 1


def test_test_data_choose_nothing():
    spec = study("a", trials=2, seeds=3, searches=1)
    results = tuning(spec, "a", [0.2, 0.3])
    poisoned = {
        key: replace(trial, result=replace(trial.result, metrics=trial.result.metrics | {"test.error": number}))
        for number, (key, trial) in enumerate(reversed(results.items()))
    }
    confirmed = confirming(spec, "a", [0.1, 0.2, 0.3], validation=[0.3, 0.2, 0.2])
    arm = arms_of(spec, poisoned | confirmed)["a"]
    assert arm.chosen == ({"rate": 0.1},)
    assert arm.kept == (0, 1)


# Confirm results


def test_nothing_is_compared_before_all_first_searches_are_confirmed():
    spec = study("a", "b")
    results = finished(spec, a=drawn(0.2, 0), b=drawn(0.1, 1))
    assert arms_of(spec, results)["b"].difference is not None
    late = results.pop(TrialId("b", Phase.CONFIRM, 2, 9))
    summary = summarise(spec, results)
    assert [len(arm.chosen) for arm in summary.arms] == [10, 9]
    assert all(arm.confirm is arm.difference is None for arm in summary.arms)
    assert summary.verdict is None
    summary = summarise(spec, results | {late.spec.id: late}, State.COMPLETE, Throughput(trials=64, seconds=2.0))
    assert summary.verdict.searches == 10
    assert (summary.state, summary.throughput.trials_per_second) == (State.COMPLETE, 32.0)


@pytest.mark.parametrize(("metric", "worst"), [("error", 1.0), ("accuracy", 0.0), ("loss", 9.0)])
def test_a_diverged_training_counts_as_the_worst_value(metric, worst):
    spec = study("a", "b", metric=metric, searches=2)
    results = finished(spec, a=[[0.5, 9.0, 0.5], [0.5] * 3], b=[[NAN, 0.5, 0.6], [0.2] * 3])
    found = arms_of(spec, results)["b"].confirm
    assert (found.searches, found.seeds, found.worst, found.diverged) == (2, 3, worst, 1)
    assert np.isnan(found.values[0][0])
    assert found.mean == pytest.approx(((worst + 1.1) / 3 + 0.2) / 2)


def test_where_every_loss_diverged_the_worst_validation_loss_stands_in():
    spec = study("a", "b", metric="loss", searches=1)
    results = finished(spec, a=[NAN] * 3, b=[NAN] * 3) | tuning(spec, "a", [0.4, 2.5])
    assert worst_value(spec, results) == 2.5
    assert arms_of(spec, results)["b"].confirm.mean == 2.5


def test_diverged_trainings_lose_against_a_worse_mean_of_the_others():
    spec = study("steady", "wild")
    wild = np.where(np.arange(30) % 3 < 2, NAN, 0.1)
    summary = summarise(spec, finished(spec, steady=drawn(0.3, 0), wild=wild))
    assert summary.arms[1].difference.answer is Answer.WORSE
    assert summary.verdict.winner == "steady"
    assert any("20 of 30 of wild (p = 0.002)" in warning for warning in summary.verdict.warnings)


def test_a_diverged_training_must_not_be_dropped_from_the_mean(monkeypatch):
    """One of thirty trainings diverged: with it the arm is worse, and a mean without it would call the arm better."""
    spec = study("a", "b", alpha=0.5)
    b = drawn(0.29, 1)
    b[:4, 0] = NAN
    results = finished(spec, a=drawn(0.3, 0), b=b)

    def answer():
        return summarise(spec, results).arms[1].difference.answer

    assert answer() is not Answer.BETTER
    answers._compare.cache_clear()
    monkeypatch.setattr(SearchValues, "means", lambda self, _: np.nanmean(self.table(), axis=1))
    try:
        assert answer() is Answer.BETTER, "the mutation is one that this test catches"
    finally:
        answers._compare.cache_clear()


def test_a_search_that_finished_no_trial_counts_as_the_worst_value():
    spec = study("a", "b", searches=3, seeds=1)
    results = finished(spec, a=[[0.3]] * 3, b=[[0.2]] * 3)
    results = {key: one for key, one in results.items() if (key.arm, key.search) != ("b", 1)}
    results |= tuning(spec, "b", [NAN, NAN], search=1)
    summary = summarise(spec, results)
    assert summary.arms[1].chosen[1] is None
    assert summary.arms[1].confirm.mean == pytest.approx(1.4 / 3)
    assert "1 of 3 searches of b finished no tuning trial; each counts as the worst error." in summary.verdict.warnings
    assert not any("confirm trainings that diverged" in warning for warning in summary.verdict.warnings)


# Verdict


def test_an_arm_that_never_finished_a_trial_is_named_and_does_not_block_the_others():
    spec = study("a", "b", "c", searches=10)
    results = finished(spec, a=drawn(0.3, 0), b=drawn(0.2, 1))
    assert summarise(spec, results).verdict is None, "c is not tuned yet"
    for search in range(10):
        results |= tuning(spec, "c", [NAN, NAN], [Outcome.DIVERGED, Outcome.FAILED], search=search)
    summary = summarise(spec, results)
    assert choose(spec, "c", 0, results) is None
    assert (set(summary.arms[2].chosen), summary.arms[2].confirm, summary.arms[2].difference) == ({None}, None, None)
    assert summary.verdict.winner == "b"
    assert summary.verdict.warnings[0] == "c never finished a tuning trial (10 diverged and 10 failed of 20)."


def test_the_winner_beats_every_other_arm():
    spec = study("a", "b", "c")
    base, b = drawn(0.3, 0), drawn(0.2, 1)
    near, far = drawn(0.2, 2), drawn(0.25, 2)
    assert summarise(spec, finished(spec, a=base, b=b, c=far)).verdict.winner == "b"
    verdict = summarise(spec, finished(spec, a=base, b=b, c=near)).verdict
    assert verdict.winner is None
    assert "No arm wins: " in verdict.sentence


def test_the_winner_is_corrected_over_all_pairs():
    spec = study("a", "b", "c", "d", searches=8, seeds=1)
    step = np.arange(8) / 1000
    results = finished(spec, a=0.4 + step, b=0.3 - step, c=0.2 + step, d=0.1 - step)
    summary = summarise(spec, results)
    assert [arm.difference.p for arm in summary.arms[1:]] == pytest.approx([3 * 2 / 256] * 3)
    assert summary.verdict.winner == "d", "6 pairs at 2/256 each are 0.047"
    summary = summarise(replace(spec, compare=Compare("a", alpha=0.04)), results)
    assert {arm.difference.answer for arm in summary.arms[1:]} == {Answer.BETTER}
    assert summary.verdict.winner is None
    assert "8 searches cannot show a winner among 4 arms, whatever they find; it takes 9." in summary.verdict.warnings
    summary = summarise(replace(spec, compare=Compare("a", alpha=0.02)), results)
    assert {arm.difference.answer for arm in summary.arms[1:]} == {Answer.UNDECIDED}


# Reproducibility


def test_the_order_of_the_arms_and_of_the_results_changes_nothing():
    spec = study("a", "b", "c")
    results = finished(spec, **{name: drawn(0.2 + 0.001 * number, number) for number, name in enumerate("abc")})
    expected = summarise(spec, results)
    for order in permutations(spec.arms):
        found = summarise(replace(spec, arms=order), dict(reversed(results.items())))
        assert {arm.name: arm for arm in found.arms} == {arm.name: arm for arm in expected.arms}
        assert found.verdict == expected.verdict
        assert {*found.verdict.comparisons} == {*expected.verdict.comparisons}


def test_resources_and_names_change_no_number():
    spec = study("a", "b")
    results = finished(spec, a=drawn(0.2, 0), b=drawn(0.196, 1))
    assert summarise(spec, results) == summarise(spec.with_resources(lanes=8), results)
    assert summarise(spec, results) == summarise(replace(spec, fingerprint="cd" * 32, name="other"), results)


def test_comparing_imports_no_heavy_package():
    heavy = ["scipy", "pandas", "torch", "ray", "optuna", "mlflow", "sklearn", "rich"]
    code = f"import sys, slalom.verdict.compare, slalom.report.tables; print([m for m in {heavy} if m in sys.modules])"
    path = str(Path(slalom.verdict.compare.__file__).parents[2])
    found = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
