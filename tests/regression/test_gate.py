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


def baseline(values, goal="minimize", searches=1, epochs=None):
    arms = tuple(PinnedArm(name, ({},) * searches, 0.1, replicates(values, epochs)) for name in ARMS)
    return Baseline("s", "f", 0, "d", "error", goal, "cpu", {}, {}, arms, "")


def normal(seed, count=40, shift=0.0):
    return list(0.1 + 0.01 * (shift + np.random.default_rng(seed).standard_normal(count)))


def said(pinned, tonight, margins=None, goal="minimize", searches=1, retuned=False):
    """The findings of a night, stage by stage, and the trainings it took."""
    base = baseline(pinned, goal, searches)
    design, found = Design.of(base, retuned=retuned), ()
    for trainings in design.stages:
        first = {name: replicates(tonight, mark="b").first(trainings) for name in ARMS}
        found = judge(base, design, trainings, first, margins or {}, found)
        if overall(found) is not Answer.UNDECIDED:
            break
    return overall(found), trainings, found


@pytest.mark.parametrize(
    ("seeds", "searches", "expected"),
    [
        (6, 1, (6,)),
        (10, 1, (10,)),
        (11, 1, (10, 11)),
        (40, 1, (10, 20, 40)),
        (50, 1, (10, 20, 40, 50)),
        (3, 10, (10, 20, 30)),
        (4, 10, (10, 20, 40)),
        (4, 6, (12, 24)),
        (1, 40, (40,)),
    ],
)
def test_stages_double_in_whole_seeds_up_to_all_that_are_pinned(seeds, searches, expected):
    assert stages(seeds, searches) == expected


def test_fewer_seeds_of_each_search_are_fewer_stages():
    base = baseline(normal(0, 40), searches=10)
    assert (base.searches, base.seeds) == (10, 4)
    assert [Design.of(base, most).stages for most in (1, 2, 3, 99)] == [(10,), (10, 20), (10, 20, 30), (10, 20, 40)]


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


@pytest.mark.thorough
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
    base = baseline(pinned, epochs=rng.integers(4, 7, 40).tolist())
    late = {name: replicates(pinned, rng.integers(8, 11, 40).tolist(), "b").first(20) for name in ARMS}
    found = judge(base, Design.of(base), 20, late, {})
    assert {one.metric for one in found if one.answer is Answer.REGRESSED} == {EPOCHS}


# Searches


def of_searches(seed, luck, searches=10, seeds=4, shift=0.0):
    """Trainings, the first seed of every search first; what a search came to is the same for its seeds."""
    rng = np.random.default_rng(seed)
    return list((0.1 + np.tile(luck, seeds) + 0.01 * (shift + rng.standard_normal(searches * seeds))).tolist())


def luck(seed, searches=10):
    """How far apart searches lie: ten times as far as the seeds of one."""
    return 0.1 * np.random.default_rng((seed, 1)).standard_normal(searches)


def test_searches_that_lie_far_apart_hide_no_regression():
    """The same choices on the same splits are trained, so the margin is what the seeds of one search resolve."""
    base = luck(0)
    design = Design.of(baseline(of_searches(0, base), searches=10))
    assert design.resolution(of_searches(0, base)) == pytest.approx(0.0088, rel=0.3)
    assert said(of_searches(0, base), of_searches(1, base), searches=10)[0] is Answer.EQUIVALENT
    assert said(of_searches(0, base), of_searches(1, base, shift=2.0), searches=10)[0] is Answer.REGRESSED


def test_one_seed_of_each_search_resolves_what_the_searches_do():
    values = of_searches(0, luck(0), seeds=1)
    assert Design.of(baseline(values, searches=10)).resolution(values) > 0.05


def test_tuned_again_the_search_is_the_unit():
    """Seeds of a search share its new choice: taken for the unit they raise alarms about nothing."""
    nights = [(of_searches(2 * n, luck(2 * n)), of_searches(2 * n + 1, luck(2 * n + 1))) for n in range(40)]
    alarms = {}
    for retuned in (True, False):
        margins = {"error": 0.001}
        answers = [said(*night, margins, searches=10, retuned=retuned)[0] for night in nights]
        alarms[retuned] = sum(answer in (Answer.REGRESSED, Answer.IMPROVED) for answer in answers)
    assert alarms[True] <= 1
    assert alarms[False] > 5, "the mutation is one that this test catches"


def test_ten_searches_made_again_can_still_raise_an_alarm_and_nine_cannot():
    for searches, can in ((10, True), (8, False)):
        base = baseline(of_searches(0, luck(0, searches), searches), searches=searches)
        assert Design.of(base, retuned=True).can_alarm is can
    base = luck(0)
    worse = said(of_searches(0, base), of_searches(1, base, shift=40.0), searches=10, retuned=True)
    assert worse[:2] == (Answer.REGRESSED, 40)


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
