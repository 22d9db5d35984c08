"""Arms compared: every answer, divergence, and what follows for a winner and for the next stage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from slalom.verdict.answers import Answer, Rule, against_baseline, all_pairs
from slalom.verdict.divergence import divergence_p, divergence_rate
from slalom.verdict.outcome import dropped, undecided, winner
from slalom.verdict.proportion import at_most, clopper_pearson, superiority
from slalom.verdict.search_values import SearchValues
from slalom.verdict.stages import Looks

RULE = Rule(minimize=True, alpha=0.05, worst=1.0)
NAN = math.nan


def arm(mean, seed=0, spread=0.002, searches=10, common=1):
    """An arm whose searches share a split's difficulty, of seed `common`, with all others."""
    split = np.random.default_rng(common).normal(0.1, 0.02, (searches, 1))
    return SearchValues.of((split + mean + np.random.default_rng([7, seed]).normal(0, spread, (searches, 3))).tolist())


def only(comparisons):
    (found,) = comparisons
    return found


# Answers


@pytest.mark.parametrize(
    ("mean", "minimize", "answer"),
    [(-0.02, True, Answer.BETTER), (0.02, True, Answer.WORSE), (-0.02, False, Answer.WORSE)],
)
def test_a_large_difference_is_told_with_its_side(mean, minimize, answer):
    rule = Rule(minimize, 0.05, worst=1.0)
    found = only(against_baseline({"sgd": arm(0), "adam": arm(mean, 1)}, "sgd", rule))
    assert (found.arm, found.other, found.answer, found.robust_answer) == ("adam", "sgd", answer, answer)
    assert found.mean == pytest.approx(mean, abs=0.002)
    assert found.interval.low < mean < found.interval.high
    assert found.better.share == (1.0 if answer is Answer.BETTER else 0.0)
    assert found.settled
    assert found.searches == 10


def test_the_unit_is_the_search_and_not_the_seed():
    # Thirty seeds of six searches that differ among themselves far more than the arms do.
    noise = np.random.default_rng(3).normal(0, 0.01, (6, 1)) + np.zeros((6, 30))
    other = np.random.default_rng(4).normal(0, 0.0001, (6, 30))
    found = only(all_pairs({"one": SearchValues.of(noise), "two": SearchValues.of(other)}, RULE))
    assert found.answer is Answer.UNDECIDED
    assert found.p >= 1 / 32


def test_a_margin_tells_equivalent_from_undecided():
    arms = {"one": arm(0), "two": arm(0, 1)}
    assert only(all_pairs(arms, RULE)).answer is Answer.UNDECIDED
    found = only(all_pairs(arms, Rule(True, 0.05, 1.0, margin=0.003)))
    assert found.answer is Answer.EQUIVALENT
    assert found.level == pytest.approx(0.9)
    assert -0.003 < found.interval.low < found.interval.high < 0.003
    assert only(all_pairs(arms, Rule(True, 0.05, 1.0, margin=1e-5))).answer is Answer.UNDECIDED


def test_identical_numbers_are_said_to_be_identical():
    one = SearchValues.of([[0.1, NAN]] * 10)
    found = only(all_pairs({"one": one, "two": one}, Rule(True, 0.05, 1.0, margin=0.01)))
    assert (found.answer, found.p, found.divergence_p) == (Answer.IDENTICAL, 1.0, 1.0)
    other = SearchValues.of([[0.1, NAN]] * 9 + [[NAN, 0.1]])
    assert only(all_pairs({"one": one, "two": other}, RULE)).answer is Answer.UNDECIDED


def test_every_interval_agrees_with_its_corrected_p():
    arms = {f"arm {n}": arm(0.001 * n, n) for n in range(6)}
    for found in all_pairs(arms, RULE):
        told = found.answer in {Answer.BETTER, Answer.WORSE}
        assert told == (found.p < 0.05) == (found.interval.low > 0 or found.interval.high < 0)


def test_arms_that_are_not_paired_are_refused():
    with pytest.raises(ValueError, match=r"as many searches \(got 10 and 9\)"):
        all_pairs({"one": arm(0), "two": arm(0, 1).first(9)}, RULE)
    with pytest.raises(ValueError, match="as many seeds"):
        all_pairs({"one": arm(0), "two": SearchValues.of([[0.1]] * 10)}, RULE)
    with pytest.raises(ValueError, match="same number of seeds"):
        SearchValues.of([[0.1], [0.1, 0.2]])
    with pytest.raises(ValueError, match="finite, or NaN"):
        SearchValues.of([[math.inf]])


def test_two_arms_that_are_the_same_are_told_apart_in_one_of_twenty():
    source, told = np.random.default_rng(41), 0
    for _ in range(600):
        split = source.normal(0, 0.02, (10, 1))
        arms = {
            name: SearchValues.of(split + source.normal(0, 0.01, (10, 1)) + source.normal(0, 0.01, (10, 3)))
            for name in "ab"
        }
        told += only(all_pairs(arms, RULE)).answer is not Answer.UNDECIDED
    assert 0.03 <= told / 600 <= 0.07


# Divergence


def test_29_wins_and_one_divergence():
    base = np.full((10, 3), 0.1)
    table = base - np.linspace(0.003, 0.006, 30).reshape(10, 3)
    table[4, 1] = NAN
    found = only(against_baseline({"sgd": SearchValues.of(base), "new": SearchValues.of(table)}, "sgd", RULE))
    assert found.answer is Answer.UNDECIDED, "the divergence counts as an error of 1"
    assert found.robust_answer is Answer.BETTER
    assert found.robust.p == pytest.approx(11 / 512, abs=4 / 512)
    assert found.mean > 0 > found.robust.mean
    assert found.better.share == 0.9
    assert found.divergence_p == 1.0


def test_a_diverged_training_is_not_dropped():
    searches = SearchValues.of([[0.1, NAN], [0.2, 0.4]])
    assert searches.means(worst=1.0) == pytest.approx([0.55, 0.3])
    assert searches.diverged().tolist() == [0.5, 0.0]


def test_a_rate_that_was_not_seen_is_bounded():
    rate = divergence_rate(arm(0), 0.05)
    assert (rate.diverged, rate.trainings, rate.searches_hit, rate.searches) == (0, 30, 0, 10)
    assert rate.at_most == pytest.approx(0.0950, abs=5e-5)
    assert rate.at_most_of_searches == pytest.approx(0.2589, abs=5e-5)
    hit = divergence_rate(SearchValues.of([[NAN, NAN, 0.1]] * 2 + [[0.1] * 3] * 8), 0.05)
    assert (hit.diverged, hit.searches_hit) == (4, 2)


@pytest.mark.parametrize(("only_one", "only_other", "both"), [(8, 0, 1), (6, 1, 0), (3, 3, 2), (0, 0, 4)])
def test_with_one_seed_a_search_the_test_is_mcnemars(only_one, only_other, both):
    rest = 12 - only_one - only_other - both
    one = [[NAN]] * only_one + [[0.1]] * only_other + [[NAN]] * both + [[0.1]] * rest
    other = [[0.1]] * only_one + [[NAN]] * only_other + [[NAN]] * both + [[0.1]] * rest
    discordant = only_one + only_other
    expected = binomtest(only_one, discordant).pvalue if discordant else 1.0
    assert divergence_p(SearchValues.of(one), SearchValues.of(other)) == pytest.approx(expected)


# P(better)


def test_six_of_six_is_not_certain():
    assert clopper_pearson(6, 6, 0.05) == (pytest.approx(0.5407, abs=1e-4), 1.0)
    assert clopper_pearson(0, 6, 0.05) == (0.0, pytest.approx(0.4593, abs=1e-4))
    assert superiority([1.0] * 6, 0.05).interval.low == pytest.approx(0.54, abs=0.005)
    assert at_most(0, 30, 0.05) == pytest.approx(1 - 0.05 ** (1 / 30))


def test_a_tie_counts_half():
    assert superiority([1.0, 0.0, -1.0, 0.0], 0.05).share == 0.5
    low, high = superiority([0.0] * 10, 0.05).interval
    assert low == pytest.approx(1 - high)
    assert low < 0.25


@pytest.mark.parametrize("bad", [(-1, 6), (7, 6), (0, 0)])
def test_impossible_counts_are_refused(bad):
    with pytest.raises(ValueError, match="successes"):
        clopper_pearson(*bad, 0.05)


# What follows


def test_a_winner_is_better_than_every_other_arm():
    arms = {"a": arm(0), "b": arm(-0.05, 1), "c": arm(0.0, 2)}
    pairs = all_pairs(arms, RULE)
    assert winner(pairs, list(arms)) == "b"
    assert dropped(pairs) == {"a", "c"}
    assert [(found.arm, found.other) for found in undecided(pairs)] == [("a", "c")]
    assert winner(all_pairs({"a": arm(0), "c": arm(0.0001, 2)}, RULE), ["a", "c"]) is None
    assert winner([], ["a"]) is None


def test_a_winner_needs_every_pair():
    with pytest.raises(ValueError, match="missing"):
        winner([], ["a", "b"])


def test_an_arm_that_was_dropped_keeps_its_place_in_the_family():
    rule = Rule(True, 0.05, 1.0, looks=Looks((10, 20)))
    early = {"a": arm(0), "b": arm(0.05, 1), "c": arm(0.0001, 2)}
    assert dropped(all_pairs(early, rule)) == {"b"}
    late = {name: arm(mean, seed, searches=20) for name, mean, seed in [("a", 0, 0), ("c", 0.0001, 2)]}
    pairs = all_pairs({"a": late["a"], "b": early["b"], "c": late["c"]}, rule)
    assert dropped(pairs) == {"b"}
    assert [found.searches for found in pairs] == [10, 20, 10]
