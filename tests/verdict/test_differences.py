"""How arms differ over searches that were made up: the unit, the pairs, the correction, one search and fixed splits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from slalom.verdict.answers import Answer
from slalom.verdict.compare import summarise
from slalom.verdict.interval import Interval
from slalom.verdict.paired import sign_flip_p
from slalom.verdict.scope import Scope
from tests.verdict.made_up import drawn, finished, noise, study

NOTHING = {"spaces": {"a": {}, "b": {}}}
"""Two arms that search nothing."""


def arms_of(spec, results):
    return {arm.name: arm for arm in summarise(spec, results).arms}


def test_searches_are_paired():
    spec = study("a", "b")
    luck, tiny = 0.1 * noise(0, 10, 1), 0.0003 * noise(1, 10, 3)
    a, b = 0.4 + luck + 0 * tiny, 0.4 + luck - 0.003 + tiny
    found = arms_of(spec, finished(spec, a=a, b=b))["b"].difference
    assert (found.answer, found.searches) == (Answer.BETTER, 10)
    assert found.mean == pytest.approx(np.mean(b - a))
    assert found.interval.high < 0
    shuffled = arms_of(spec, finished(spec, a=a, b=np.random.default_rng(2).permutation(b)))["b"].difference
    assert shuffled.answer is Answer.UNDECIDED, "the difference is only visible within the pairs"


def lucky_searches(seed, seeds=3):
    """Two arms that are the same way of training: what differs is each search's luck, which its seeds share."""
    return {name: 0.3 + 0.02 * noise((seed, arm), 10, 1) + 0.001 * noise((seed, arm, 1), 10, seeds)
            for arm, name in enumerate("ab")}  # fmt: skip


def false_claims(spec, studies=30):
    found = [summarise(spec, finished(spec, **lucky_searches(seed))).arms[1].difference for seed in range(studies)]
    return sum(one.answer is not Answer.UNDECIDED for one in found)


def test_the_search_is_the_unit_of_ten_searches(monkeypatch):
    """Seeds of a search share its choice: taken for the unit they tell identical arms apart far too often."""
    spec = study("a", "b")
    bound = 0.05 * 30 + 3 * math.sqrt(0.05 * 0.95 * 30)
    assert false_claims(spec) <= bound
    monkeypatch.setattr(Scope, "over_seeds", True)
    assert false_claims(spec) > bound, "the mutation is one that this test catches"


@pytest.mark.parametrize(("metric", "better"), [("error", False), ("loss", False), ("accuracy", True)])
def test_the_goal_says_which_direction_is_better(metric, better):
    spec = study("a", "b", metric=metric)
    summary = summarise(spec, finished(spec, a=drawn(0.5, 0), b=drawn(0.6, 1)))
    found = summary.arms[1].difference
    assert found.mean > 0
    assert found.answer is (Answer.BETTER if better else Answer.WORSE)
    assert found.better.share == (1.0 if better else 0.0)
    assert summary.verdict.winner == ("b" if better else "a")


def test_equal_results_are_identical():
    spec = study("a", "b")
    summary = summarise(spec, finished(spec, a=drawn(0.2, 0), b=drawn(0.2, 0)))
    found = summary.arms[1].difference
    assert (found.mean, found.p, found.better.share, found.answer) == (0.0, 1.0, 0.5, Answer.IDENTICAL)
    assert found.interval == Interval(0.0, 0.0)
    assert summary.verdict.winner is None


def test_a_margin_makes_equivalent_what_is_close():
    results = finished(study("a", "b"), a=drawn(0.2, 0, spread=0.0005), b=drawn(0.2, 1, spread=0.0005))
    found = [arms_of(study("a", "b", margin=margin), results)["b"].difference.answer for margin in (None, 0.002)]
    assert found == [Answer.UNDECIDED, Answer.EQUIVALENT]


def test_p_is_corrected_over_the_arms():
    spec = study("a", "b", "c")
    a, b, c = (drawn(mean, seed) for seed, mean in enumerate((0.2, 0.1985, 0.2012)))
    raw = [sign_flip_p((arm - a).mean(axis=1)) for arm in (b, c)]
    found = arms_of(spec, finished(spec, a=a, b=b, c=c))
    assert found["a"].difference is None
    corrected = sorted(found[name].difference.p for name in "bc")
    assert corrected == pytest.approx([2 * min(raw), max(2 * min(raw), max(raw))])


def test_false_alarms_stay_below_alpha_over_all_arms():
    spec = study("a", "b", "c", "d", searches=8, seeds=1)
    studies = 120
    alarms = 0
    for number in range(studies):
        draws = dict(zip("abcd", noise(number, 4, 8), strict=True))
        found = summarise(spec, finished(spec, **draws)).arms[1:]
        alarms += any(arm.difference.answer is not Answer.UNDECIDED for arm in found)
    assert alarms <= 0.05 * studies + 3 * math.sqrt(0.05 * 0.95 * studies)


# One search, fixed splits, nothing to search


def test_one_search_is_compared_over_its_seeds_and_names_no_winner():
    spec = study("a", "b", searches=1, seeds=30)
    summary = summarise(spec, finished(spec, a=drawn(0.3, 0, 1, 30), b=drawn(0.2, 1, 1, 30)))
    found, verdict = summary.arms[1].difference, summary.verdict
    assert (found.searches, found.answer) == (30, Answer.BETTER)
    assert (verdict.about, verdict.split, verdict.winner, verdict.searches) == ("choice", "fixed", None, 1)
    assert verdict.sentence.startswith(
        "Of these settings, as one search found them, over 30 paired seeds on this split of digits: b (test error 0.1"
    )
    assert "wins" not in verdict.sentence


def test_arms_that_search_nothing_are_the_way_of_training_itself():
    spec = study("a", "b", searches=1, seeds=30, **NOTHING)
    verdict = summarise(spec, finished(spec, a=drawn(0.3, 0, 1, 30), b=drawn(0.2, 1, 1, 30))).verdict
    assert (verdict.about, verdict.winner) == ("way", "b")
    assert verdict.sentence.startswith("Over 30 paired seeds on this split of digits: b ")


def test_where_searches_differ_in_nothing_but_seeds_the_seed_is_the_unit():
    results = {"a": drawn(0.3, 0, 2, 6), "b": drawn(0.29, 1, 2, 6)}
    found = {}
    for resampled in (True, False):
        spec = study("a", "b", searches=2, seeds=6, resampled=resampled, **NOTHING)
        summary = summarise(spec, finished(spec, **results))
        found[resampled] = summary.arms[1].difference.searches, summary.arms[1].difference.answer
    assert found == {True: (2, Answer.UNDECIDED), False: (12, Answer.BETTER)}


def test_a_split_that_is_fixed_is_said():
    a, b = drawn(0.3, 0), drawn(0.2, 1)
    found = {}
    for resampled in (True, False):
        spec = study("a", "b", resampled=resampled)
        found[resampled] = summarise(spec, finished(spec, a=a, b=b)).verdict
    assert (found[True].split, found[False].split) == ("resampled", "fixed")
    assert found[True].sentence.startswith("Over 10 searches of each arm, each on its own split of digits: b ")
    assert found[False].sentence.startswith("Over 10 searches of each arm, all on this split of digits: b ")


def test_a_single_seed_claims_nothing():
    spec = study("a", "b", seeds=1, searches=1)
    summary = summarise(spec, finished(spec, a=[0.9], b=[0.1]))
    assert summary.arms[1].difference.p == 1.0
    assert summary.arms[1].confirm.interval == Interval(-math.inf, math.inf)
    assert summary.verdict.winner is None
