"""What the ended trials of made-up studies say, at the seam that the loop and the command line use."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from slalom.verdict.inference import sign_flip_p

import slalom.verdict.compare
from slalom.search.choice import best_seed, choose
from slalom.study.model import Arm, Compare, Metric, Resources, StudySpec, Tune
from slalom.verdict.compare import summarise, worst_value
from slalom.verdict.summary import Interval, State, Throughput
from slalom.wire.seeds import Seeds, derive
from slalom.wire.trial import Ended, Outcome, Phase, TrialId, TrialResult, TrialSpec, Work

WORK = Work(task={"name": "digits"}, model={"name": "mlp"}, batch_size=32)
GOALS = {"error": "minimize", "loss": "minimize", "accuracy": "maximize"}
NAN = math.nan


def study(*arms: str, metric: str = "error", seeds: int = 30, trials: int = 2, alpha: float = 0.05) -> StudySpec:
    return StudySpec(
        name="made-up",
        question="Which?",
        task=WORK.task,
        precision=WORK.precision,
        epochs=4,
        report_every=1,
        metric=Metric(metric, GOALS[metric]),
        arms=tuple(Arm(name, {}, {}) for name in arms),
        tune=Tune(trials=trials),
        confirm_seeds=seeds,
        compare=Compare(baseline=arms[0], alpha=alpha),
        resources=Resources(),
        fingerprint="ab" * 32,
    )


def ended(key: TrialId, outcome: Outcome, metrics: dict[str, float], params: dict[str, float]) -> Ended:
    spec = TrialSpec(key, 0, Seeds(1, 2, 3), WORK, {}, params, epochs=4)
    return Ended(spec, TrialResult(key, 0, outcome, 4, metrics))


def tuning(spec, arm, values, outcomes=None, params=None):
    """Tuning trials with these validation values, and {"rate": their number} where no params are given."""
    outcomes = outcomes or [Outcome.COMPLETE] * len(values)
    params = params or [{"rate": float(number)} for number in range(len(values))]
    keys = [TrialId(arm, Phase.TUNE, number) for number in range(len(values))]
    name = f"validation.{spec.metric.name}"
    return {
        key: ended(key, how, {name: value}, chosen)
        for key, how, value, chosen in zip(keys, outcomes, values, params, strict=True)
    }


def confirming(spec, arm, values, validation=None):
    """Confirm trials with these test values; NaN for one that diverged."""
    found = {}
    for number, value in enumerate(values):
        key = TrialId(arm, Phase.CONFIRM, number)
        metrics = {f"validation.{spec.metric.name}": validation[number] if validation else 0.5}
        if math.isfinite(value):
            metrics[f"test.{spec.metric.name}"] = float(value)
        found[key] = ended(key, Outcome.COMPLETE if math.isfinite(value) else Outcome.DIVERGED, metrics, {"rate": 0.0})
    return found


def finished(spec, **confirm):
    """A study whose arms were all tuned, with these confirm values."""
    results = {}
    for arm, values in confirm.items():
        results |= tuning(spec, arm, [0.3] * spec.tune.trials) | confirming(spec, arm, values)
    return results


def noise(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def arms_of(spec, results):
    return {arm.name: arm for arm in summarise(spec, results).arms}


# Tuning


def test_the_best_completed_tuning_trial_is_chosen_once_the_budget_ended():
    spec = study("a", "b", trials=4)
    outcomes = [Outcome.COMPLETE, Outcome.PRUNED, Outcome.COMPLETE, Outcome.COMPLETE]
    results = tuning(spec, "a", [0.3, 0.1, 0.2, 0.2], outcomes)
    arm = arms_of(spec, results)["a"]
    assert arm.chosen == {"rate": 2.0}, "a pruned trial is not chosen, and of equals the first is"
    assert (arm.tuning.trials, arm.tuning.pruned, arm.tuning.best, arm.budget) == (4, 1, 0.2, 4)
    del results[TrialId("a", Phase.TUNE, 1)]
    arm = arms_of(spec, results)["a"]
    assert arm.chosen is None
    assert arm.tuning.best == 0.2


def test_the_highest_is_chosen_where_the_metric_is_maximized():
    spec = study("a", metric="accuracy", trials=3)
    chosen = choose(spec, "a", tuning(spec, "a", [0.7, 0.9, 0.8]))
    assert chosen is not None
    assert chosen.spec.id.number == 1


def test_ends_and_duplicates_are_counted():
    spec = study("a", trials=4)
    outcomes = [Outcome.FAILED, Outcome.DIVERGED, Outcome.PRUNED, Outcome.COMPLETE]
    params = [{"rate": 1.0}, {"rate": 2.0}, {"rate": 1.0}, {"rate": 1.0}]
    found = arms_of(spec, tuning(spec, "a", [NAN, NAN, 0.4, 0.3], outcomes, params))["a"].tuning
    assert (found.failed, found.diverged, found.pruned, found.duplicates) == (1, 1, 1, 2)


def test_a_completed_trial_without_a_finite_value_is_not_chosen():
    spec = study("a", trials=2)
    chosen = choose(spec, "a", tuning(spec, "a", [NAN, 0.9]))
    assert chosen is not None
    assert chosen.spec.id.number == 1


def test_test_data_chooses_nothing():
    spec = study("a", trials=2, seeds=3)
    results = tuning(spec, "a", [0.2, 0.3])
    poisoned = {
        key: replace(trial, result=replace(trial.result, metrics=trial.result.metrics | {"test.error": number}))
        for number, (key, trial) in enumerate(reversed(results.items()))
    }
    assert arms_of(spec, poisoned)["a"].chosen == {"rate": 0.0}
    confirmed = confirming(spec, "a", [0.1, 0.2, 0.3], validation=[0.3, 0.2, 0.2])
    assert best_seed(spec, "a", results | confirmed) == 1


# Confirm results


def test_nothing_is_compared_before_all_seeds_ended():
    spec = study("a", "b", seeds=30)
    results = finished(spec, a=0.2 + 0.01 * noise(0, 30), b=0.1 + 0.01 * noise(1, 30))
    assert arms_of(spec, results)["b"].difference is not None
    late = results.pop(TrialId("b", Phase.CONFIRM, 29))
    summary = summarise(spec, results)
    assert summary.arms[0].confirm is not None
    assert summary.arms[1].confirm is None
    assert summary.arms[1].difference is None
    assert summary.arms[1].best_seed is None
    assert summary.verdict is None
    summary = summarise(spec, results | {late.spec.id: late}, State.COMPLETE, Throughput(trials=64, seconds=2.0))
    assert summary.verdict is not None
    assert (summary.state, summary.throughput.trials_per_second) == (State.COMPLETE, 32.0)


@pytest.mark.parametrize(("metric", "worst"), [("error", 1.0), ("accuracy", 0.0), ("loss", 9.0)])
def test_a_diverged_seed_counts_as_the_worst_value(metric, worst):
    spec = study("a", "b", metric=metric, seeds=3)
    arm = arms_of(spec, finished(spec, a=[0.5, 9.0, 0.5], b=[NAN, 0.5, 0.6]))["b"]
    assert arm.confirm.values == (worst, 0.5, 0.6)
    assert arm.confirm.diverged == 1
    assert arm.confirm.mean == pytest.approx((worst + 1.1) / 3)


def test_where_every_loss_diverged_the_worst_validation_loss_stands_in():
    spec = study("a", "b", metric="loss", seeds=3)
    results = finished(spec, a=[NAN] * 3, b=[NAN] * 3) | tuning(spec, "a", [0.4, 2.5])
    assert worst_value(spec, results) == 2.5
    assert arms_of(spec, results)["b"].confirm.values == (2.5,) * 3


def test_diverged_seeds_lose_against_a_worse_mean_of_the_others():
    spec = study("steady", "wild")
    wild = np.where(np.arange(30) < 20, NAN, 0.1)
    summary = summarise(spec, finished(spec, steady=0.3 + 0.01 * noise(0, 30), wild=wild))
    assert summary.arms[1].difference.better is False
    assert summary.verdict.winner == "steady"
    assert "20 of 30 confirm trials of wild diverged or failed" in summary.verdict.sentence


def test_a_single_seed_claims_nothing():
    spec = study("a", "b", seeds=1)
    summary = summarise(spec, finished(spec, a=[0.9], b=[0.1]))
    assert summary.arms[1].difference.p == 1.0
    assert summary.arms[1].confirm.interval == Interval(-math.inf, math.inf)
    assert summary.verdict.winner is None


# Differences


def test_seeds_are_paired():
    spec = study("a", "b")
    luck, tiny = noise(0, 30), 0.001 * noise(1, 30)
    a, b = 0.4 + 0.1 * luck, 0.4 + 0.1 * luck - 0.003 + tiny
    found = arms_of(spec, finished(spec, a=a, b=b))["b"].difference
    assert found.better is True
    assert found.mean == pytest.approx(np.mean(b - a))
    assert found.interval.high < 0
    shuffled = arms_of(spec, finished(spec, a=a, b=np.random.default_rng(2).permutation(b)))["b"].difference
    assert shuffled.better is None, "the difference is only visible within the pairs"


@pytest.mark.parametrize(("metric", "better"), [("error", False), ("loss", False), ("accuracy", True)])
def test_the_goal_says_which_direction_is_better(metric, better):
    spec = study("a", "b", metric=metric)
    low, high = 0.5 + 0.01 * noise(0, 30), 0.6 + 0.01 * noise(1, 30)
    summary = summarise(spec, finished(spec, a=low, b=high))
    found = summary.arms[1].difference
    assert found.mean > 0
    assert found.better is better
    assert found.superiority == (1.0 if better else 0.0)
    assert summary.verdict.winner == ("b" if better else "a")


def test_equal_results_are_ties():
    spec = study("a", "b")
    values = 0.2 + 0.01 * noise(0, 30)
    summary = summarise(spec, finished(spec, a=values, b=values))
    found = summary.arms[1].difference
    assert (found.mean, found.p, found.superiority, found.better) == (0.0, 1.0, 0.5, None)
    assert found.interval == Interval(0.0, 0.0)
    assert summary.verdict.winner is None


def test_superiority_counts_a_tie_half():
    spec = study("a", "b", seeds=4)
    found = arms_of(spec, finished(spec, a=[0.2] * 4, b=[0.1, 0.1, 0.2, 0.3]))["b"].difference
    assert found.superiority == 0.625


def test_p_is_corrected_over_the_arms_and_over_those_to_come():
    spec = study("a", "b", "c")
    base = 0.2 + 0.01 * noise(0, 30)
    b, c = base - 0.004 + 0.01 * noise(1, 30), base + 0.005 + 0.01 * noise(2, 30)
    raw = [sign_flip_p(arm - base, derive(spec.fingerprint, "sign flips")) for arm in (b, c)]
    results = finished(spec, a=base, b=b, c=c)
    found = {name: arm.difference for name, arm in arms_of(spec, results).items()}
    assert found["a"] is None
    assert sorted([found["b"].p, found["c"].p]) == pytest.approx([2 * min(raw), max(2 * min(raw), max(raw))])
    del results[TrialId("c", Phase.CONFIRM, 0)]
    assert arms_of(spec, results)["b"].difference.p == pytest.approx(2 * raw[0])


def test_false_alarms_stay_below_alpha_over_all_arms():
    spec = study("a", "b", "c", "d", seeds=8)
    studies = 120
    alarms = 0
    for number in range(studies):
        draws = dict(zip("abcd", noise(number, 4, 8), strict=True))
        alarms += any(arm.difference.better is not None for arm in summarise(spec, finished(spec, **draws)).arms[1:])
    assert alarms <= 0.05 * studies + 3 * math.sqrt(0.05 * 0.95 * studies)


# Verdict


def test_an_arm_that_never_finished_a_trial_is_named_and_does_not_block_the_others():
    spec = study("a", "b", "c")
    results = finished(spec, a=0.3 + 0.01 * noise(0, 30), b=0.2 + 0.01 * noise(1, 30))
    assert summarise(spec, results).verdict is None, "c is not tuned yet"
    results |= tuning(spec, "c", [NAN, NAN], [Outcome.DIVERGED, Outcome.FAILED])
    summary = summarise(spec, results)
    assert choose(spec, "c", results) is None
    assert (summary.arms[2].chosen, summary.arms[2].confirm, summary.arms[2].difference) == (None, None, None)
    assert summary.verdict.winner == "b"
    assert "c never finished a tuning trial (1 diverged and 1 failed of 2)" in summary.verdict.sentence


def test_the_winner_beats_every_other_arm():
    spec = study("a", "b", "c")
    base, b = 0.3 + 0.01 * noise(0, 30), 0.2 + 0.01 * noise(1, 30)
    near, far = b + 0.01 * noise(2, 30), b + 0.05 + 0.01 * noise(2, 30)
    assert summarise(spec, finished(spec, a=base, b=b, c=far)).verdict.winner == "b"
    verdict = summarise(spec, finished(spec, a=base, b=b, c=near)).verdict
    assert verdict.winner is None
    assert "no arm beats all others" in verdict.sentence


def test_the_winner_is_corrected_over_all_pairs():
    spec = study("a", "b", "c", "d", seeds=8)
    step = np.arange(8) / 1000
    summary = summarise(spec, finished(spec, a=0.4 + step, b=0.3 - step, c=0.2 + step, d=0.1 - step))
    assert [arm.difference.p for arm in summary.arms[1:]] == pytest.approx([3 * 2 / 256] * 3)
    assert summary.verdict.winner == "d", "6 pairs at 2/256 each are 0.047"
    stricter = replace(spec, compare=Compare("a", alpha=0.04))
    summary = summarise(stricter, finished(spec, a=0.4 + step, b=0.3 - step, c=0.2 + step, d=0.1 - step))
    assert all(arm.difference.better for arm in summary.arms[1:])
    assert summary.verdict.winner is None
    strictest = replace(spec, compare=Compare("a", alpha=0.02))
    summary = summarise(strictest, finished(spec, a=0.4 + step, b=0.3 - step, c=0.2 + step, d=0.1 - step))
    assert [arm.difference.better for arm in summary.arms[1:]] == [None] * 3


# Reproducibility


def test_the_order_of_the_arms_and_of_the_results_changes_nothing():
    spec = study("a", "b", "c")
    draws = {name: 0.2 + 0.01 * number + 0.01 * noise(number, 30) for number, name in enumerate("abc")}
    results = finished(spec, **draws)
    expected = summarise(spec, results)
    for order in permutations(spec.arms):
        found = summarise(replace(spec, arms=order), dict(reversed(results.items())))
        assert {arm.name: arm for arm in found.arms} == {arm.name: arm for arm in expected.arms}
        assert found.verdict == expected.verdict


def test_numbers_hang_on_the_fingerprint_alone():
    spec = study("a", "b")
    results = finished(spec, a=0.2 + 0.01 * noise(0, 30), b=0.196 + 0.01 * noise(1, 30))
    assert summarise(spec, results) == summarise(spec.with_resources(lanes=8), results)
    other = summarise(replace(spec, fingerprint="cd" * 32), results)
    assert other.arms[1].difference.interval != summarise(spec, results).arms[1].difference.interval


def test_comparing_imports_no_heavy_package():
    heavy = ["scipy", "pandas", "torch", "ray", "optuna", "mlflow", "sklearn", "rich"]
    code = f"import sys, slalom.verdict.compare, slalom.report.tables; print([m for m in {heavy} if m in sys.modules])"
    path = str(Path(slalom.verdict.compare.__file__).parents[2])
    found = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
