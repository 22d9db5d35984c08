"""Several tasks: ranks, Friedman, Nemenyi, the signed-rank test, profiles, the sentence."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from scipy.stats import beta, friedmanchisquare

from slalom.verdict.tasks.nemenyi import critical_difference, nemenyi, tasks_for_pairs
from slalom.verdict.tasks.profiles import profile, ratios
from slalom.verdict.tasks.ranks import friedman, ranks_of, smallest_p, tasks_needed
from slalom.verdict.tasks.several import several
from slalom.verdict.tasks.signed_rank import DRAWS, most_probable, signed_rank
from tests.verdict.tasks_made_up import finished, table

NAMES = ("C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf")

# Demsar 2006, Table 6: areas under the curve over 14 data sets. Of voting the last two are printed alike, but ranked
# 2 and 3, so that they differ here in a digit that is not printed.
AREAS = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)

# Accuracies in per cent of naive Bayes less those of J48 on 54 data sets, means of ten times ten folds: the data of
# Benavoli et al. 2017 as baycomp's documentation has them.
NBC_LESS_J48 = (
    -2.696,
    -5.826,
    6.142,
    0.488,
    -7.333,
    -0.072,
    -0.072,
    1.66,
    -11.395,
    2.87,
    -0.377,
    10.463,
    0.521,
    0.0,
    5.117,
    3.844,
    -0.875,
    -0.713,
    -0.267,
    -11.646,
    1.8,
    0.0,
    8.729,
    -1.428,
    -23.166,
    -2.528,
    -4.239,
    -6.882,
    13.577,
    -3.23,
    7.25,
    -0.896,
    0.937,
    -1.667,
    6.19,
    -2.996,
    -3.361,
    -3.357,
    -4.027,
    2.036,
    -0.439,
    -3.025,
    -1.84,
    1.251,
    -4.467,
    -15.6,
    -0.462,
    -17.747,
    5.096,
    3.976,
    7.977,
    2.16,
    0.539,
    1.373,
)


def demsar(**options):
    return table(AREAS, NAMES, metric="accuracy", **options)


def test_demsars_example():
    found = several(demsar())
    assert [arm.rank for arm in found.arms] == pytest.approx([3.143, 2.0, 2.893, 1.964], abs=5e-4)
    assert found.friedman.chi2 == pytest.approx(9.28, abs=0.01)
    assert found.friedman.f == pytest.approx(3.69, abs=0.01)
    assert found.friedman.degrees == (3, 39)
    assert found.friedman.p < 0.05
    assert found.nemenyi.critical_difference == pytest.approx(1.25, abs=0.01)
    assert not any(pair.apart for pair in found.nemenyi.pairs), "as the paper finds at .05"
    assert found.nemenyi.groups == (("C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"),)
    assert found.winner is None
    assert "no two of them are told apart" in found.sentence


def test_demsars_figure_at_ten_per_cent():
    found = several(demsar(alpha=0.1))
    assert found.nemenyi.critical_difference == pytest.approx(1.12, abs=0.01)
    apart = {(pair.arm, pair.other) for pair in found.nemenyi.pairs if pair.apart}
    assert apart == {("C4.5", "C4.5+m"), ("C4.5", "C4.5+m+cf")}
    assert found.nemenyi.groups == (("C4.5+m+cf", "C4.5+m", "C4.5+cf"), ("C4.5+cf", "C4.5"))
    assert "C4.5+m+cf (average rank 1.964) is better than C4.5 (3.143)" in found.sentence
    assert "No arm wins: C4.5+m+cf is not surely better than C4.5+m and C4.5+cf" in found.sentence


@pytest.mark.parametrize(
    ("arms", "alpha", "q"),
    [(2, 0.05, 1.960), (3, 0.05, 2.343), (4, 0.05, 2.569), (10, 0.05, 3.164), (4, 0.1, 2.291), (10, 0.1, 2.920)],
)
def test_critical_values_are_demsars(arms, alpha, q):
    """Table 5(a), whose entries are cut off after three digits."""
    tasks = 6
    assert critical_difference(arms, tasks, alpha) / math.sqrt(arms * (arms + 1) / (6 * tasks)) == pytest.approx(
        q, abs=1.1e-3
    )


def test_the_signed_rank_test_is_the_published_one():
    """baycomp's documentation gives (0.23124, 0.00666, 0.7621) for naive Bayes and J48 with a rope of 1 point."""
    found = signed_rank(NBC_LESS_J48, 1.0)
    assert found == pytest.approx((0.23124, 0.00666, 0.7621), abs=5 * math.sqrt(0.25 / DRAWS))
    assert signed_rank(-np.array(NBC_LESS_J48), 1.0) == pytest.approx(found[::-1], abs=0.01)


def test_the_signed_rank_test_of_few_tasks_by_hand():
    """One task, far above the rope: better has 1 - w0^2 of the weight, which is more than half with P(w0 < .7071)."""
    for tasks in (1, 2, 5):
        assert most_probable(tasks, 0.1) == pytest.approx(beta.cdf(math.sqrt(0.5), 0.5, tasks), abs=0.008)
        assert most_probable(tasks, 0.0) == 1.0
    assert signed_rank([0.0, 0.0], 0.0) == (0.5, 0.0, 0.5)
    assert signed_rank([0.001, -0.001, 0.0], 0.01) == (0.0, 1.0, 0.0)
    assert signed_rank([math.inf, -math.inf], 0.0)[0] == pytest.approx(0.5, abs=0.01)
    with pytest.raises(ValueError, match="gains must be numbers"):
        signed_rank([math.nan], 0.0)


def test_profile_scores_are_the_published_ones():
    of_best = ratios(np.array([[10.0, 15.0], [20.0, 10.0]]), minimize=True)
    assert of_best.tolist() == [[1.0, 1.5], [2.0, 1.0]]
    one, other = profile("a", of_best[:, 0]), profile("b", of_best[:, 1])
    assert one.score == pytest.approx(0.8333, abs=5e-5)
    assert other.score == pytest.approx(0.9167, abs=5e-5)
    assert [one.share(factor) for factor in (1.0, 1.99, 2.0)] == [0.5, 0.5, 1.0]


def test_factors_of_values_that_are_better_the_higher_of_nothing_and_of_zero():
    assert ratios(np.array([[0.5, 1.0, -math.inf]]), minimize=False).tolist() == [[2.0, 1.0, math.inf]]
    assert ratios(np.array([[0.0, 1.0, math.inf]]), minimize=True).tolist() == [[1.0, math.inf, math.inf]]
    assert ratios(np.array([[0.0, 0.0]]), minimize=True).tolist() == [[1.0, 1.0]]
    assert ratios(np.array([[-1.0, 2.0]]), minimize=True) is None


def test_permutations_count_every_order_of_the_ranks():
    """Three tasks of three arms, ties among them, each order of the two later tasks written out."""
    ranks = ranks_of(np.array([[1.0, 2.0, 3.0], [1.0, 1.0, 3.0], [2.0, 1.0, 3.0]]))
    observed = (ranks.sum(axis=0) ** 2).sum()
    sizes = [
        (np.sum([ranks[0], second, third], axis=0) ** 2).sum()
        for second in permutations(ranks[1])
        for third in permutations(ranks[2])
    ]
    found = friedman(ranks)
    assert found.exact
    assert found.p == pytest.approx(np.mean([size >= observed for size in sizes]), rel=1e-15)


def test_many_tasks_give_the_p_of_the_distributions():
    random = np.random.default_rng(5)
    losses = random.normal(size=(40, 5)) + np.array([0, 0, 0, 0, 0.55])
    found = friedman(ranks_of(losses))
    reference = friedmanchisquare(*losses.T)
    assert not found.exact
    assert found.chi2 == pytest.approx(reference.statistic, rel=1e-12)
    assert found.p == pytest.approx(found.p_f, rel=0.25)
    assert friedman(ranks_of(losses)) == found, "drawn again it is the same"


def test_two_tasks_that_agree_by_chance_decide_nothing_among_three_arms():
    """F is infinite there, and its p 0; the right p is that of one order among six."""
    found = friedman(ranks_of(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])))
    assert (found.f, found.p_f) == (math.inf, 0.0)
    assert found.p == smallest_p(2, 3) == pytest.approx(1 / 6)


def test_permutations_hold_their_level_where_f_does_not():
    random = np.random.default_rng(11)
    found = [friedman(ranks_of(random.normal(size=(2, 3)))) for _ in range(1500)]
    assert np.mean([one.p < 0.2 for one in found]) <= 0.2
    assert np.mean([one.p_f < 0.05 for one in found]) > 0.13, "one order of six in both tasks"


@pytest.mark.parametrize(("arms", "friedmans", "pairs"), [(2, 6, 4), (3, 3, 3), (4, 2, 3), (8, 2, 3)])
def test_how_many_tasks_it_takes(arms, friedmans, pairs):
    assert tasks_needed(arms, 0.05) == friedmans
    assert tasks_for_pairs(arms, 0.05) == pairs


def test_pairs_are_told_apart_only_where_friedman_rejects():
    ranks = {"a": 1.0, "b": 2.0, "c": 3.0}
    assert [pair.apart for pair in nemenyi(ranks, 10, 0.05, rejected=True).pairs] == [False, True, False]
    held = nemenyi(ranks, 10, 0.05, rejected=False)
    assert not any(pair.apart for pair in held.pairs)
    assert held.groups == (("a", "b", "c"),)


def test_a_winner_is_told_apart_from_every_other_arm():
    found = several(table([[0.1, 0.2, 0.3, 0.4]] * 30))
    assert found.winner == "a"
    assert found.sentence.endswith("a wins.")
    assert found.nemenyi.groups == ()


def test_arms_that_are_alike_are_not_told_apart():
    rows = np.random.default_rng(3).random((12, 4))
    found = several(table(rows))
    assert found.winner is None
    assert "the 4 arms cannot be told apart (Friedman's test, p = " in found.sentence


def test_two_tasks_of_four_arms_say_what_they_cannot_decide():
    found = several(table([[0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]]))
    assert found.friedman.p == pytest.approx(1 / 24)
    assert "the 4 arms differ" in found.sentence
    assert "2 tasks cannot tell any two of 4 arms apart, whatever they find; it takes 3." in found.warnings
    assert any("read its probabilities as a summary of these tasks" in warning for warning in found.warnings)


def test_an_arm_that_finished_nothing_is_the_last_of_its_task():
    values = {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}
    studies = [finished("t0", values), finished("t1", {**values, "a": None}), finished("t2", {**values, "a": None})]
    found = several(studies, rope=0.05)
    assert found.arms[0].ranks == (1.0, 4.0, 4.0)
    assert found.signed_rank.pairs[0].worse > 0.8
    assert found.profiles[0].ratios == (1.0, math.inf, math.inf)
    assert "a never finished a tuning trial in t1, and is the last there." in found.warnings


def test_the_rope_is_the_margin_of_all_studies_or_what_is_asked_for():
    rows = [[0.1, 0.2, 0.3, 0.4], [0.2, 0.1, 0.4, 0.3]]
    assert several(table(rows, margin=0.02)).signed_rank.rope == 0.02
    assert several(table(rows, margin=0.02), rope=0.0).signed_rank.rope == 0.0
    assert several([*table(rows[:1], margin=0.02), *table(rows, margin=0.03)[1:]]).signed_rank.rope == 0.0
    assert any("No rope is named" in warning for warning in several(table(rows)).warnings)


def test_of_other_metrics_ranks_alone_are_put_together():
    values = {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}
    found = several([finished("t0", values), finished("t1", values, metric="loss")])
    assert found.signed_rank is None
    assert any("measure different things" in warning for warning in found.warnings)
    assert "by ranks of each study's own metric" in found.sentence


def test_studies_of_the_same_data_are_told():
    one, other = table([[0.1, 0.2, 0.3, 0.4], [0.2, 0.1, 0.4, 0.3]])
    again = (replace(other[0], data_digest=one[0].data_digest), other[1])
    assert any("t1 is of the same data as t0" in warning for warning in several([one, again]).warnings)
