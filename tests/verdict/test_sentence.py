"""The sentence that a reader quotes, for every way in which a study can end."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from slalom.study.model import Arm, Compare, Metric, Resources, StudySpec, Tune
from slalom.verdict.sentence import decide
from slalom.verdict.summary import ArmSummary, Confirmed, Difference, Interval, Tuning


def study(*arms, seeds=30, alpha=0.05, goal="minimize", name="error"):
    return StudySpec(
        name="made-up",
        question="Which?",
        task={"name": "digits"},
        precision="float32",
        epochs=4,
        report_every=1,
        metric=Metric(name, goal),
        arms=tuple(Arm(arm, {}, {}) for arm in arms),
        tune=Tune(trials=32),
        confirm_seeds=seeds,
        compare=Compare(baseline=arms[0], alpha=alpha),
        resources=Resources(),
        fingerprint="ab" * 32,
    )


def arm(name, mean=None, change=None, p=1.0, better=None, diverged=0):
    """A confirmed arm, `change` +- 0.002 from the baseline; without a mean, one that never finished a trial."""
    tuning = Tuning(trials=32, pruned=2, diverged=0, failed=0, duplicates=0, best=0.02)
    if mean is None:
        return ArmSummary(name, 32, None, Tuning(32, 0, 30, 2, 0, None))
    confirm = Confirmed(30, (mean,) * 30, diverged, mean, Interval(mean - 0.001, mean + 0.001))
    difference = None
    if change is not None:
        interval = Interval(change - 0.002, change + 0.002)
        difference = Difference(change, interval, p, 0.5, Interval(0.4, 0.6), better)
    return ArmSummary(name, 32, {"rate": 0.1}, tuning, confirm, difference)


def verdict(spec, arms, equal=(), p=0.01):
    """The verdict where the pairs in `equal` cannot be told apart, and all others have this p."""
    names = [each.name for each in arms if each.confirm]
    pairs = map(frozenset, combinations(names, 2))
    alike = set(map(frozenset, equal))
    return decide(spec, arms, {pair: 0.5 if pair in alike else p for pair in pairs})


SGD = arm("sgd", 0.025)


def test_two_arms_told_apart():
    found = verdict(study("sgd", "adam"), [SGD, arm("adam", 0.0209, -0.0041, 0.0003, True)])
    assert found.winner == "adam"
    assert found.sentence == (
        "adam wins (error 0.0209 over 30 paired seeds): "
        "it beats the baseline sgd by 0.0041 [0.0021, 0.0061] (p = 0.0003)."
    )


def test_two_arms_the_baseline_is_better():
    found = verdict(study("sgd", "adam"), [SGD, arm("adam", 0.0291, 0.0041, 0.00005, False)])
    assert found.winner == "sgd"
    assert found.sentence == (
        "The baseline sgd wins (error 0.0250 over 30 paired seeds); "
        "worse than the baseline: adam by 0.0041 [0.0021, 0.0061] (p < 0.0001)."
    )


def test_two_arms_not_told_apart():
    found = verdict(study("sgd", "adam"), [SGD, arm("adam", 0.0246, -0.0004, 0.31)], equal=[("sgd", "adam")])
    assert found.winner is None
    assert found.sentence == (
        "adam cannot be told apart from the baseline sgd (error 0.0250) at alpha 0.05 over 30 paired seeds "
        "(-0.0004 [-0.0024, 0.0016], p = 0.31)."
    )


def test_higher_is_better_reads_the_same():
    spec = study("sgd", "adam", goal="maximize", name="accuracy")
    found = verdict(spec, [arm("sgd", 0.975), arm("adam", 0.9791, 0.0041, 0.0003, True)])
    assert found.winner == "adam"
    assert "adam wins (accuracy 0.9791" in found.sentence
    assert "by 0.0041 [0.0021, 0.0061]" in found.sentence


def test_no_arm_told_apart_names_the_closest():
    arms = [SGD, arm("adam", 0.0246, -0.0004, 0.31), arm("rmsprop", 0.0251, 0.0001, 0.8)]
    found = verdict(study("sgd", "adam", "rmsprop"), arms, equal=combinations(["sgd", "adam", "rmsprop"], 2))
    assert found.winner is None
    assert found.sentence == (
        "No arm can be told apart from the baseline sgd (error 0.0250) at alpha 0.05 over 30 paired seeds "
        "(closest: adam, -0.0004 [-0.0024, 0.0016], p = 0.31)."
    )


SIX = [
    SGD,
    arm("adam", 0.0209, -0.0041, 0.0003, True),
    arm("amsgrad", 0.0215, -0.0035, 0.0006, True),
    arm("nesterov", 0.0220, -0.0030, 0.002, True),
    arm("rmsprop", 0.0249, -0.0001, 0.9),
    arm("adagrad", 0.0350, 0.0100, 0.0003, False),
]
NAMES = [each.name for each in SIX]


def test_several_arms_beat_the_baseline_and_none_of_them_the_others():
    found = verdict(study(*NAMES), SIX, equal=[("adam", "amsgrad"), ("adam", "nesterov"), ("sgd", "rmsprop")])
    assert found.winner is None
    assert found.sentence == (
        "adam (error 0.0209) beats the baseline sgd by 0.0041 [0.0021, 0.0061] (p = 0.0003) over 30 paired seeds, "
        "and so do amsgrad (error 0.0215) by 0.0035 [0.0015, 0.0055] (p = 0.0006) and nesterov (error 0.0220) "
        "by 0.0030 [0.0010, 0.0050] (p = 0.002); "
        "no arm beats all others: adam has the best mean but cannot be told apart from amsgrad and nesterov; "
        "worse than the baseline: adagrad by 0.0100 [0.0080, 0.0120] (p = 0.0003); "
        "not told apart from the baseline: rmsprop."
    )


@pytest.mark.parametrize(
    ("equal", "why"),
    [
        ([("sgd", "adam"), ("adam", "rmsprop")], "adam has the best mean but cannot be told apart from rmsprop;"),
        ([("sgd", "adam")], "adam has the best mean, but not surely enough for a correction over all pairs of arms;"),
    ],
)
def test_who_beats_the_baseline_is_not_called_equal_to_it(equal, why):
    """The winner's test is corrected over more pairs than the baseline's, and can be the only one to fail."""
    arms = [SGD, arm("adam", 0.0209, -0.0041, 0.035, True), arm("rmsprop", 0.0240, -0.0010, 0.9)]
    found = verdict(study("sgd", "adam", "rmsprop"), arms, equal=equal)
    assert found.winner is None
    assert f"no arm beats all others: {why}" in found.sentence


def test_one_arm_beats_all_others():
    found = verdict(study(*NAMES), SIX, equal=[("sgd", "rmsprop")], p=0.004)
    assert found.winner == "adam"
    assert found.sentence.startswith(
        "adam wins (error 0.0209 over 30 paired seeds): it beats the baseline sgd by 0.0041 [0.0021, 0.0061] "
        "(p = 0.0003) and every other arm (p at most 0.004); better than the baseline too: amsgrad by 0.0035"
    )


def test_the_baseline_beats_all_others():
    arms = [SGD, arm("adam", 0.03, 0.005, 0.001, False), arm("rmsprop", 0.031, 0.006, 0.001, False)]
    found = verdict(study("sgd", "adam", "rmsprop"), arms)
    assert found.winner == "sgd"
    assert found.sentence.startswith("The baseline sgd wins (error 0.0250 over 30 paired seeds): it beats every other")
    assert "worse than the baseline: adam by 0.0050 [0.0030, 0.0070] (p = 0.001) and rmsprop by" in found.sentence


def test_no_arm_beats_the_baseline_and_some_are_worse():
    arms = [SGD, arm("adam", 0.0249, -0.0001, 0.9), arm("rmsprop", 0.031, 0.006, 0.001, False)]
    found = verdict(study("sgd", "adam", "rmsprop"), arms, equal=[("sgd", "adam")])
    assert found.winner is None
    assert found.sentence == (
        "No arm beats the baseline sgd (error 0.0250) at alpha 0.05 over 30 paired seeds; "
        "worse than the baseline: rmsprop by 0.0060 [0.0040, 0.0080] (p = 0.001); "
        "not told apart from the baseline: adam."
    )


def test_an_arm_that_never_finished_is_named_with_its_ends():
    found = verdict(study("sgd", "adam", "lbfgs"), [SGD, arm("adam", 0.0209, -0.0041, 0.0003, True), arm("lbfgs")])
    assert found.winner == "adam"
    assert found.sentence.endswith("; lbfgs never finished a tuning trial (30 diverged and 2 failed of 32).")


def test_a_baseline_that_never_finished_leaves_the_others_to_be_ranked():
    spec = study("sgd", "adam", "rmsprop")
    arms = [arm("sgd"), arm("adam", 0.0209), arm("rmsprop", 0.025)]
    won, open_ = verdict(spec, arms), verdict(spec, arms, equal=[("adam", "rmsprop")])
    assert won.winner == "adam"
    assert won.sentence == (
        "adam wins (error 0.0209 over 30 paired seeds): it beats every other arm (p at most 0.01); the baseline sgd "
        "never finished a tuning trial (30 diverged and 2 failed of 32), so no arm is compared with it."
    )
    assert open_.winner is None
    assert open_.sentence.startswith("No arm beats all others at alpha 0.05 over 30 paired seeds: adam has the best")


@pytest.mark.parametrize("arms", [[SGD, arm("adam")], [arm("sgd"), arm("adam", 0.025)]])
def test_one_arm_alone_wins_nothing(arms):
    found = verdict(study("sgd", "adam"), arms)
    assert found.winner is None
    assert "(error 0.0250) is the only arm that finished a tuning trial, so there is nothing" in found.sentence


def test_no_arm_finished():
    found = verdict(study("sgd", "adam"), [arm("sgd"), arm("adam")])
    assert found.winner is None
    assert found.sentence.startswith("No arm finished any of its 32 tuning trials, so there is nothing to compare; ")


def test_diverged_confirm_trials_are_said():
    arms = [SGD, arm("adam", 0.0209, -0.0041, 0.0003, True, diverged=3)]
    sentence = verdict(study("sgd", "adam"), arms).sentence
    assert "3 of 30 confirm trials of adam diverged or failed, each counting as the worst error" in sentence


@pytest.mark.parametrize(
    ("seeds", "alpha", "said"), [(5, 0.05, True), (7, 0.05, False), (6, 0.05, True), (6, 0.1, False)]
)
def test_too_few_seeds_are_said(seeds, alpha, said):
    arms = [SGD, arm("adam", 0.0246, -0.0004, 0.31), arm("rmsprop", 0.0251, 0.0001, 0.8)]
    names = ["sgd", "adam", "rmsprop"]
    sentence = verdict(study(*names, seeds=seeds, alpha=alpha), arms, equal=combinations(names, 2)).sentence
    assert ("paired seeds cannot show a p below" in sentence) is said


def test_every_sentence_is_one_sentence():
    for equal in ([], [("adam", "amsgrad")], list(combinations(NAMES, 2))):
        sentence = verdict(study(*NAMES), SIX, equal=equal).sentence
        assert sentence.endswith(".")
        assert not re.search(r"\.\s|\n|;;|nan|inf\b|None", sentence)
