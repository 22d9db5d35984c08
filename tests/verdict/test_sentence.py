"""The sentence that a reader quotes, for every way in which a study can end."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations

import pytest

from slalom.verdict.answers import Answer, Comparison
from slalom.verdict.interval import Interval
from slalom.verdict.looks import Look
from slalom.verdict.proportion import Superiority
from slalom.verdict.robust import Robust
from slalom.verdict.sentence import decide
from slalom.verdict.summary import ArmSummary, Confirmed, Tuning
from tests.verdict.made_up import study

BETTER, WORSE, EQUIVALENT, UNDECIDED, IDENTICAL = Answer


def arm(name, mean=None, searches=10):
    """A confirmed arm; without a mean, one that never finished a trial."""
    tuning = Tuning(trials=320, pruned=2, diverged=0, failed=0, duplicates=0, best=0.02)
    if mean is None:
        return ArmSummary(name, 320, (None,) * 10, Tuning(320, 0, 300, 20, 0, None))
    values, interval = ((mean,) * 3,) * searches, Interval(mean - 0.001, mean + 0.001)
    confirm = Confirmed(searches, 3, values, 1.0, mean, interval, mean, 0, 0.1)
    return ArmSummary(name, 320, ({"rate": 0.1},) * searches, tuning, confirm)


def compared(name, other, change, answer, p, searches=10):
    """`change` +- 0.002 from the other one."""
    interval = Interval(change - 0.002, change + 0.002)
    superiority, robust = Superiority(0.5, Interval(0.4, 0.6)), Robust(change, p)
    told = answer if answer in (BETTER, WORSE) else UNDECIDED
    return Comparison(name, other, searches, change, interval, 0.95, p, None, answer, superiority, robust, told, 1.0)


def verdict(spec, arms, against, alike=(), p=0.01, searches=10, worst=None):
    """The verdict where these arms differ so from the baseline (name: change, answer, p, and searches where fewer).

    alike: the pairs that cannot be told apart; of all others the one of the smaller mean is better, with this p
    worst: the arm that all others are better than, whatever its mean
    """
    base = spec.compare.baseline
    unfinished = tuple(one.name for one in arms if one.confirm is None)
    baseline = tuple(compared(name, base, *found) for name, found in against.items())
    confirmed = [one for one in arms if one.confirm]
    sets = [set(pair) for pair in alike]
    pairs = []
    for one, other in combinations(confirmed, 2):
        change = one.confirm.mean - other.confirm.mean
        is_better = change < 0 if worst not in (one.name, other.name) else other.name == worst
        answer = UNDECIDED if {one.name, other.name} in sets else BETTER if is_better else WORSE
        pairs.append(compared(one.name, other.name, change, answer, 0.5 if answer is UNDECIDED else p))
    counted = {one.name: one.confirm.searches if one.confirm else searches for one in arms}
    return decide(spec, arms, Look(counted, unfinished, baseline, tuple(pairs), complete=True))


SGD = arm("sgd", 0.025)
TWO = study("sgd", "adam")
OVER = "Over 10 searches of each arm, each on its own split of digits"


@pytest.mark.parametrize(
    ("mean", "found", "said"),
    [
        (
            0.0209,
            (-0.0041, BETTER, 0.0003),
            "adam (test error 0.0209) is better than the baseline sgd (0.0250) by 0.0041 [0.0021, 0.0061] (p = 0.0003)",
        ),
        (
            0.0291,
            (0.0041, WORSE, 0.00005),
            "adam (test error 0.0291) is worse than the baseline sgd (0.0250) by 0.0041 [0.0021, 0.0061] (p < 0.0001)",
        ),
        (
            0.0246,
            (-0.0004, UNDECIDED, 0.31),
            "adam (test error 0.0246) cannot be told apart from the baseline sgd "
            "(0.0250; difference -0.0004 [-0.0024, 0.0016], p = 0.31)",
        ),
        (
            0.0246,
            (-0.0004, EQUIVALENT, 0.31),
            "adam (test error 0.0246) is equivalent to the baseline sgd "
            "(0.0250; difference -0.0004 [-0.0024, 0.0016], within the margin of 0.003)",
        ),
        (
            0.025,
            (0.0, IDENTICAL, 1.0),
            "adam (test error 0.0250) is identical to the baseline sgd (0.0250): "
            "every confirm training gave the same number",
        ),
    ],
)
def test_two_arms(mean, found, said):
    alike = [] if found[1] in (BETTER, WORSE) else [("sgd", "adam")]
    told = verdict(study("sgd", "adam", margin=0.003), [SGD, arm("adam", mean)], {"adam": found}, alike)
    assert told.sentence == f"{OVER}: {said}."
    assert told.winner == {BETTER: "adam", WORSE: "sgd"}.get(found[1])


def test_higher_is_better_reads_the_same():
    spec = study("sgd", "adam", metric="accuracy")
    found = verdict(spec, [arm("sgd", 0.975), arm("adam", 0.9791)], {"adam": (0.0041, BETTER, 0.0003)})
    assert "adam (test accuracy 0.9791) is better than the baseline sgd (0.9750) by 0.0041 [0.00" in found.sentence


@pytest.mark.parametrize(
    ("options", "searches", "conditions"),
    [
        ({}, 10, OVER),
        ({"resampled": False}, 10, "Over 10 searches of each arm, all on this split of digits"),
        ({"at_most": 40}, 10, "After 10 of at most 40 searches, each on its own split of digits"),
        ({"at_most": 40, "resampled": False}, 20, "After 20 of at most 40 searches, all on this split of digits"),
        ({"at_most": 40}, 40, "After all 40 searches, each on its own split of digits"),
        (
            {"searches": 1},
            1,
            "Of these settings, as one search found them, over 3 paired seeds on this split of digits",
        ),
        ({"spaces": {"sgd": {}, "adam": {}}}, 10, "Over 10 splits of digits"),
        ({"spaces": {"sgd": {}, "adam": {}}, "searches": 1}, 1, "Over 3 paired seeds on this split of digits"),
        (
            {"spaces": {"sgd": {}, "adam": {}}, "resampled": False},
            10,
            "Over 30 paired seeds on this split of digits",
        ),
    ],
)
def test_the_conditions_under_which_it_holds_come_first(options, searches, conditions):
    arms = [arm("sgd", 0.025, searches), arm("adam", 0.0209, searches)]
    spec = study("sgd", "adam", **options)
    found = verdict(spec, arms, {"adam": (-0.0041, BETTER, 0.001, 40)}, searches=searches)
    assert found.sentence.startswith(f"{conditions}: adam (test error 0.0209) is better than the baseline sgd (0.0250)")


def test_the_name_of_an_own_task_is_that_of_its_class():
    spec = replace(TWO, task={"name": "studies/cats.py:Cats"})
    found = verdict(spec, [SGD, arm("adam", 0.0209)], {"adam": (-0.0041, BETTER, 0.001)})
    assert found.sentence.startswith("Over 10 searches of each arm, each on its own split of Cats: ")


def test_one_search_names_no_winner():
    spec = study("sgd", "adam", "rmsprop", searches=1)
    arms = [arm("sgd", 0.025, 1), arm("adam", 0.0209, 1), arm("rmsprop", 0.03, 1)]
    against = {"adam": (-0.0041, BETTER, 0.001), "rmsprop": (0.005, WORSE, 0.001)}
    found = verdict(spec, arms, against, searches=1)
    assert (found.winner, found.about, found.searches) == (None, "choice", 1)
    assert "win" not in found.sentence


SIX = [
    SGD,
    arm("adam", 0.0209),
    arm("amsgrad", 0.0215),
    arm("nesterov", 0.0220),
    arm("rmsprop", 0.0249),
    arm("adagrad", 0.0350),
]
NAMES = [each.name for each in SIX]
AGAINST = {
    "adam": (-0.0041, BETTER, 0.0003),
    "amsgrad": (-0.0035, BETTER, 0.0006),
    "nesterov": (-0.0030, BETTER, 0.002),
    "rmsprop": (-0.0001, UNDECIDED, 0.9),
    "adagrad": (0.0100, WORSE, 0.0003),
}


def test_several_arms_beat_the_baseline_and_none_of_them_the_others():
    found = verdict(study(*NAMES), SIX, AGAINST, [("adam", "amsgrad"), ("adam", "nesterov"), ("sgd", "rmsprop")])
    assert found.winner is None
    assert found.sentence == (
        f"{OVER}: adam (test error 0.0209) is better than the baseline sgd (0.0250) "
        "by 0.0041 [0.0021, 0.0061] (p = 0.0003), "
        "and so are amsgrad (0.0215) by 0.0035 [0.0015, 0.0055] (p = 0.0006) "
        "and nesterov (0.0220) by 0.0030 [0.0010, 0.0050] (p = 0.002); "
        "adagrad (0.0350) is worse than the baseline by 0.0100 [0.0080, 0.0120] (p = 0.0003); "
        "rmsprop (0.0249) cannot be told apart from the baseline (difference -0.0001 [-0.0021, 0.0019], p = 0.90). "
        "No arm wins: adam has the best mean, but over all pairs of arms it is not surely better than "
        "amsgrad and nesterov."
    )


def test_one_arm_beats_all_others():
    found = verdict(study(*NAMES), SIX, AGAINST, [("sgd", "rmsprop")], p=0.004)
    assert found.winner == "adam"
    assert found.sentence.endswith(
        ". adam wins: over all pairs of arms it is better than every other one (p at most 0.004)."
    )


def test_the_baseline_beats_all_others():
    arms = [SGD, arm("adam", 0.03), arm("rmsprop", 0.031)]
    against = {"adam": (0.005, WORSE, 0.001), "rmsprop": (0.006, WORSE, 0.001)}
    found = verdict(study("sgd", "adam", "rmsprop"), arms, against)
    assert found.winner == "sgd"
    assert "adam (test error 0.0300) is worse than the baseline sgd (0.0250) by 0.0050" in found.sentence
    assert "and so is rmsprop (0.0310) by 0.0060" in found.sentence
    assert ". sgd wins: over all pairs of arms it is better than every other one" in found.sentence


def test_who_beats_the_baseline_need_not_win_over_all_pairs():
    """The winner is corrected over more pairs than the baseline's, and can be the only one to fail."""
    arms = [SGD, arm("adam", 0.0209), arm("rmsprop", 0.0240)]
    against = {"adam": (-0.0041, BETTER, 0.035), "rmsprop": (-0.001, UNDECIDED, 0.9)}
    found = verdict(study("sgd", "adam", "rmsprop"), arms, against, [("sgd", "adam"), ("adam", "rmsprop")])
    assert found.winner is None
    assert found.sentence.endswith("over all pairs of arms it is not surely better than sgd and rmsprop.")


def test_several_arms_not_told_apart_show_the_most_different():
    arms = [SGD, arm("adam", 0.0246), arm("rmsprop", 0.0251)]
    against = {"adam": (-0.0004, UNDECIDED, 0.31), "rmsprop": (0.0001, UNDECIDED, 0.8)}
    spec = study("sgd", "adam", "rmsprop")
    found = verdict(spec, arms, against, combinations(["sgd", "adam", "rmsprop"], 2))
    assert found.sentence.startswith(
        f"{OVER}: adam (test error 0.0246) and rmsprop (0.0251) cannot be told apart from the baseline sgd "
        "(0.0250; the most different is adam, -0.0004 [-0.0024, 0.0016], p = 0.31). No arm wins: "
    )


def test_several_equivalent_arms_show_their_intervals():
    arms = [SGD, arm("adam", 0.0246), arm("rmsprop", 0.0251)]
    against = {"adam": (-0.0004, EQUIVALENT, 0.31), "rmsprop": (0.0001, EQUIVALENT, 0.8)}
    spec = study("sgd", "adam", "rmsprop", margin=0.003)
    found = verdict(spec, arms, against, combinations(["sgd", "adam", "rmsprop"], 2))
    assert (
        "adam (test error 0.0246) and rmsprop (0.0251) are equivalent to the baseline sgd (0.0250; differences "
        "-0.0004 [-0.0024, 0.0016] and +0.0001 [-0.0019, 0.0021], within the margin of 0.003)"
    ) in found.sentence


def test_an_arm_that_was_dropped_early_says_when_and_is_not_called_the_best():
    spec = study("sgd", "adam", "lucky", at_most=40)
    arms = [arm("sgd", 0.025, 20), arm("adam", 0.022, 20), arm("lucky", 0.02, 10)]
    against = {"adam": (-0.003, UNDECIDED, 0.2, 20), "lucky": (0.004, WORSE, 0.003, 10)}
    found = verdict(spec, arms, against, [("sgd", "adam")], searches=20, worst="lucky")
    assert found.sentence == (
        "After 20 of at most 40 searches, each on its own split of digits: lucky (test error 0.0200) is worse than the "
        "baseline sgd (0.0250) by 0.0040 [0.0020, 0.0060] (p = 0.003 after 10 searches); adam (0.0220) cannot be told "
        "apart from the baseline (difference -0.0030 [-0.0050, -0.0010], p = 0.20). "
        "No arm wins: adam has the best mean, but over all pairs of arms it is not surely better than sgd."
    )


def test_a_baseline_that_never_finished_leaves_the_others_to_be_ranked():
    spec = study("sgd", "adam", "rmsprop")
    arms = [arm("sgd"), arm("adam", 0.0209), arm("rmsprop", 0.025)]
    won, open_ = verdict(spec, arms, {}), verdict(spec, arms, {}, [("adam", "rmsprop")])
    out = f"{OVER}: the baseline sgd never finished a tuning trial, so no arm is compared with it."
    assert won.winner == "adam"
    assert (
        won.sentence == f"{out} adam wins: over all pairs of arms it is better than every other one (p at most 0.01)."
    )
    assert open_.winner is None
    assert open_.sentence.startswith(f"{out} No arm wins: adam has the best mean")


@pytest.mark.parametrize("arms", [[SGD, arm("adam")], [arm("sgd"), arm("adam", 0.025)]])
def test_one_arm_alone_wins_nothing(arms):
    found = verdict(TWO, arms, {})
    assert found.winner is None
    assert found.sentence.endswith(
        "reaches test error 0.0250 [0.0240, 0.0260]; no other arm finished a tuning trial, so nothing can be compared."
    )


def test_a_study_of_one_arm():
    found = verdict(study("sgd"), [SGD], {})
    assert found.sentence == (
        f"{OVER}: sgd reaches test error 0.0250 [0.0240, 0.0260]; there is no other arm, so nothing can be compared."
    )


def test_no_arm_finished():
    found = verdict(TWO, [arm("sgd"), arm("adam")], {})
    assert found.winner is None
    assert found.sentence == "No arm finished any of its 2 tuning trials, so nothing can be compared."


def test_every_sentence_can_be_quoted():
    for alike in ([], [("adam", "amsgrad")], list(combinations(NAMES, 2))):
        sentence = verdict(study(*NAMES), SIX, AGAINST, alike).sentence
        assert sentence.endswith(".")
        assert not re.search(r"\n|;;|\.\.|  |nan|inf\b|None", sentence)
