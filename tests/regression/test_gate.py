"""The sequential test by itself: what it spends, what it says, and how often it is wrong."""

import math

import numpy as np
import pytest

from slalom.regression.baseline import Baseline, PinnedArm
from slalom.regression.gate import COST, EPOCHS, MISS, Answer, Design, judge, judge_cost, overall, stages
from slalom.regression.replicates import Replicates

ARMS = ("none", "half")


def replicates(values, epochs=None, mark="a"):
    return Replicates(tuple(values), tuple(epochs or [5.0] * len(values)), tuple(f"{mark}{v!r}" for v in values))


def baseline(values, goal="minimize"):
    arms = tuple(PinnedArm(name, {}, 0.1, replicates(values)) for name in ARMS)
    return Baseline("s", "f", "d", "error", goal, "cpu", {}, {}, arms, "")


def normal(seed, count=40, shift=0.0):
    return list(0.1 + 0.01 * (shift + np.random.default_rng(seed).standard_normal(count)))


def said(pinned, tonight, margins=None, goal="minimize"):
    """The findings of a night, stage by stage, and the seeds it took."""
    base = baseline(pinned, goal)
    design, found = Design.of(base), ()
    for seeds in design.stages:
        first = {name: replicates(tonight, mark="b").first(seeds) for name in ARMS}
        found = judge(base, design, seeds, first, margins or {}, found)
        if overall(found) is not Answer.UNDECIDED:
            break
    return overall(found), seeds, found


@pytest.mark.parametrize(
    ("seeds", "expected"), [(6, (6,)), (10, (10,)), (11, (10, 11)), (40, (10, 20, 40)), (50, (10, 20, 40, 50))]
)
def test_stages_double_up_to_the_pinned_seeds(seeds, expected):
    assert stages(seeds) == expected


def test_the_stages_and_tests_of_a_night_spend_alpha_and_miss_and_no_more():
    design = Design.of(baseline(normal(0)))
    assert design.tests == 4
    assert math.fsum(design.tests * design.alarm(seeds) for seeds in design.stages) == pytest.approx(design.alpha)
    assert math.fsum(MISS * design.share(seeds) for seeds in design.stages) == pytest.approx(MISS)


def test_few_seeds_cannot_raise_an_alarm_and_it_is_known():
    assert not Design.of(baseline(normal(0, 10))).can_alarm
    assert Design.of(baseline(normal(0, 20))).can_alarm
    assert said(normal(0, 10), normal(1, 10, shift=50.0))[0] is Answer.UNDECIDED


def test_the_same_bits_are_identical_at_the_first_stage_and_other_bits_are_not():
    base = baseline(normal(0))
    design = Design.of(base)
    tonight = {name: base.arm(name).found.first(10) for name in ARMS}
    assert overall(judge(base, design, 10, tonight, {})) is Answer.IDENTICAL
    other = replicates(normal(0)[:10], mark="b")
    findings = judge(base, design, 10, {**tonight, "half": other}, {})
    assert [one.answer for one in findings] == [Answer.IDENTICAL] * 2 + [Answer.EQUIVALENT] * 2


@pytest.mark.parametrize(("goal", "shift"), [("minimize", 3.0), ("maximize", -3.0)])
def test_worse_is_regressed_and_better_is_improved(goal, shift):
    assert said(normal(0), normal(1, shift=shift), goal=goal)[:2] == (Answer.REGRESSED, 20)
    assert said(normal(0), normal(1, shift=-shift), goal=goal)[0] is Answer.IMPROVED


def test_a_difference_within_a_named_margin_is_none_however_sure():
    pinned = normal(0)
    tonight = [value + 0.02 for value in pinned]
    assert said(pinned, tonight)[0] is Answer.REGRESSED
    assert said(pinned, tonight, {"error": 0.03})[0] is Answer.EQUIVALENT


def test_slow_drift_is_seen_since_the_baseline_stays():
    """Each night a fifth of a standard deviation worse than the one before: no step is seen, the sum is."""
    nights = [said(normal(0), normal(0, shift=0.2 * night))[0] for night in range(12)]
    assert nights[1] is Answer.EQUIVALENT
    assert nights[-1] is Answer.REGRESSED


def test_what_a_stage_has_decided_stands():
    base = baseline(normal(0))
    design = Design.of(base)
    same = {name: base.arm(name).found for name in ARMS}
    early = judge(base, design, 10, {name: one.first(10) for name, one in same.items()}, {})
    worse = {name: replicates(normal(1, shift=9.0), mark="b") for name in ARMS}
    assert judge(base, design, 20, worse, {}, early) == early


def test_false_alarms_are_rare_and_faults_are_found():
    """Independent values, as of other seeds: no alarm among 60 nights, and one on each of 20 with a fault."""
    chance = [said(normal(2 * night), normal(2 * night + 1))[0] for night in range(60)]
    assert chance.count(Answer.REGRESSED) == 0
    assert chance.count(Answer.EQUIVALENT) >= 51
    fault = [said(normal(2 * night), normal(2 * night + 1, shift=1.5))[0] for night in range(20)]
    assert fault.count(Answer.REGRESSED) >= 19


def test_an_unexpected_epoch_count_alone_raises_an_alarm():
    pinned = normal(0)
    rng = np.random.default_rng(0)
    arms = tuple(PinnedArm(n, {}, 0.1, replicates(pinned, rng.integers(4, 7, 40).tolist())) for n in ARMS)
    base = Baseline("s", "f", "d", "error", "minimize", "cpu", {}, {}, arms, "")
    late = {name: replicates(pinned, rng.integers(8, 11, 40).tolist(), "b").first(20) for name in ARMS}
    found = judge(base, Design.of(base), 20, late, {})
    assert {one.metric for one in found if one.answer is Answer.REGRESSED} == {EPOCHS}


PINNED = (1.0, 1.05, 0.98, 1.02, 1.01, 0.99, 1.1)


@pytest.mark.parametrize(
    ("factor", "expected"),
    [(1.0, "equivalent"), (1.2, "equivalent"), (1.5, "regressed"), (0.5, "improved")],
)
def test_cost_is_a_ratio_with_a_margin(factor, expected):
    assert judge_cost("a", PINNED, [factor * one for one in PINNED]).answer == expected


def test_a_cost_that_was_once_as_low_as_before_is_no_regression():
    assert judge_cost("a", PINNED, (1.0, *[2.0] * 6)).answer is Answer.UNDECIDED


def test_only_a_cost_that_is_decided_counts_for_the_night():
    cost = judge_cost("a", PINNED, PINNED)
    slower = judge_cost("a", PINNED, [3 * one for one in PINNED])
    unsure = judge_cost("a", PINNED, (1.0, *[2.0] * 6))
    assert cost.metric == COST
    base = baseline(normal(0))
    found = judge(base, Design.of(base), 10, {name: base.arm(name).found.first(10) for name in ARMS}, {})
    assert overall((*found, cost, unsure)) is Answer.IDENTICAL
    assert overall((*found, slower)) is Answer.REGRESSED
