"""What is said beside a verdict, and that it is said once."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from slalom.study.ranges import Choices, IntRange, Range
from slalom.verdict.compare import summarise
from tests.verdict.made_up import NAN, confirming, drawn, finished, study, tuning


def warnings(spec, results):
    return summarise(spec, results).verdict.warnings


def searched(spec, values, rates=None):
    """Every arm with these validation values in each search [searches][trials], and the best trial's rate chosen."""
    results = {}
    for arm, table in values.items():
        for search, row in enumerate(table):
            params = [{"rate": 0.1}] * len(row)
            if rates:
                params = [{"rate": rates[arm][search]}] * len(row)
            results |= tuning(spec, arm, row, params=params, search=search)
            luck = 0.01 * np.random.default_rng(search).standard_normal(spec.confirm_seeds)
            results |= confirming(spec, arm, 0.3 + luck + 0.001 * len(arm), search)
    return results


# Divergence


def test_none_of_thirty_leaves_a_rate_of_nine_percent():
    spec = study("a", "b")
    assert warnings(spec, finished(spec, a=drawn(0.3, 0), b=drawn(0.2, 1))) == (
        "none of the 30 confirm trainings of any arm diverged; a rate of up to 9.5 % stays possible.",
    )


def test_divergence_is_counted_and_tested_in_one_line():
    spec = study("a", "b", "c")
    tables = {name: drawn(0.3, seed) for seed, name in enumerate("abc")}
    tables["a"][0, 0] = NAN
    tables["c"][:, 0] = NAN
    found = warnings(spec, finished(spec, **tables))
    assert (
        "confirm trainings that diverged or failed: 1 of 30 of a and 10 of 30 of c (p = 0.0078); each counts as the "
        "worst error, 1; p: of divergence as frequent as the baseline's."
    ) in found
    assert not any("stays possible" in warning for warning in found)


def test_29_wins_and_one_divergence_do_not_read_as_nothing():
    spec = study("sgd", "adam", searches=30, seeds=1)
    adam = drawn(0.28, 1, 30, 1)
    adam[7] = NAN
    summary = summarise(spec, finished(spec, sgd=drawn(0.3, 0, 30, 1), adam=adam))
    assert str(summary.arms[1].difference.answer) == "undecided"
    assert str(summary.arms[1].difference.robust_answer) == "better"
    assert summary.verdict.winner is None
    assert any(
        warning.startswith(
            "a few searches decide: without the most extreme quarters of the searches adam (-0.0192, p < 0.0001) is "
            "better than sgd; with them cannot be told apart from it"
        )
        for warning in summary.verdict.warnings
    ), summary.verdict.warnings


# What the searches chose


def test_choices_at_the_edge_are_one_line_for_all_arms():
    spec = study("sgd", "adam", "amsgrad", trials=1, spaces={"sgd": {"rate": Range(0.0, 1.0)}})
    rates = {"sgd": [0.95] * 6 + [0.5] * 4, "adam": [0.0011] * 3 + [0.1] * 7}
    rates["amsgrad"] = rates["adam"]
    (said,) = [
        one for one in warnings(spec, searched(spec, dict.fromkeys(rates, [[0.3]] * 10), rates)) if "range" in one
    ]
    assert said == (
        "the best may lie beyond the range that was searched: sgd (6 of 10 searches) chose rate near the upper end "
        "of [0, 1]; adam (3 of 10 searches) and amsgrad (3 of 10 searches) chose rate near the lower end of [0.001, 1]."
    )


@pytest.mark.parametrize(
    ("space", "rate", "said"),
    [
        (Range(0.0, 1.0), 0.89, False),
        (Range(0.0, 1.0), 0.91, True),
        (Range(1e-3, 1.0, log=True), 0.3, False),
        (Range(1e-3, 1.0, log=True), 0.9, True),
        (IntRange(1, 8), 8, True),
        (IntRange(1, 8), 4, False),
        (Choices((1, 2, 8)), 8, False),
    ],
)
def test_an_edge_is_the_last_tenth_of_a_range(space, rate, said):
    spec = study("sgd", trials=1, searches=1, spaces={"sgd": {"rate": space}})
    found = warnings(spec, searched(spec, {"sgd": [[0.3]]}, {"sgd": [rate]}))
    assert any("near the upper end" in one for one in found) is said
    assert not any("of 1 search" in one for one in found)


def test_few_choices_at_an_edge_are_chance():
    spec = study("sgd", trials=1)
    rates = {"sgd": [0.9] * 2 + [0.1] * 8}
    assert not any("range" in one for one in warnings(spec, searched(spec, {"sgd": [[0.3]] * 10}, rates)))


# What is unequal between arms


def test_other_dimensions_are_said():
    more = {"rate": Range(0.001, 1.0, True), "momentum": Range(0.0, 1.0)}
    spec = study("a", "b", "c", spaces={"b": more}, searches=6)
    results = finished(spec, a=drawn(0.3, 0, 6), b=drawn(0.3, 1, 6), c=drawn(0.3, 2, 6))
    results = {
        key: replace(one, spec=replace(one.spec, params={"rate": 0.1, "momentum": 0.5})) for key, one in results.items()
    }
    said = "unequally many hyperparameters are searched with equally many trials: b 2; a and c 1."
    assert said in warnings(spec, results)


def test_costlier_trials_are_said_with_the_error_at_equal_cost():
    many = {"bagged": {"ensemble": {"combine": "mean", "members": 4, "bagging": True}}}
    spec = study("one", "bagged", "other", trials=8, searches=6, settings=many)
    falling = [0.5, 0.4, 0.3, 0.25, 0.2, 0.2, 0.2, 0.1]
    found = warnings(spec, searched(spec, dict.fromkeys(("one", "bagged", "other"), [falling] * 6)))
    assert (
        "unequally many nets are trained in a trial, so that trials do not cost the same: bagged 4; one and other 1."
        in found
    )
    assert (
        "after equally many nets, 8 in a search, validation error is: one 0.1 (8 trials) and bagged 0.4 (2 trials)."
    ) in found


def test_a_costly_baseline_is_shown_with_all_arms():
    many = {"bagged": {"ensemble": {"combine": "mean", "members": 2, "bagging": True}}}
    spec = study("bagged", "one", "other", trials=2, searches=6, settings=many)
    found = warnings(spec, searched(spec, dict.fromkeys(("bagged", "one", "other"), [[0.3, 0.2]] * 6)))
    assert any("bagged 0.3 (1 trial), one 0.2 (2 trials) and other 0.2 (2 trials)" in one for one in found)


def test_a_trial_that_costs_more_than_a_whole_search_is_no_crash():
    many = {"bagged": {"ensemble": {"combine": "mean", "members": 25, "bagging": True}}}
    spec = study("one", "bagged", trials=2, searches=6, settings=many)
    found = warnings(spec, searched(spec, {"one": [[0.3, 0.2]] * 6, "bagged": [[0.3, 0.2]] * 6}))
    assert any("do not cost the same: bagged 25; one 1" in one for one in found)
    assert not any(one.startswith("after equally many nets") for one in found)


# What the effort changes


def crossing_curves(seed, searches=12, trials=32):
    """sgd starts badly and ends well, adam starts well and stays there."""
    luck = np.random.default_rng(seed).uniform(0, 0.01, (2, searches, trials))
    sgd = 0.6 - 0.5 * np.minimum(1, np.arange(trials) / 16) + luck[0]
    return {"sgd": sgd.tolist(), "adam": (0.3 + luck[1]).tolist()}


def test_the_order_that_changes_with_effort_is_said():
    spec = study("sgd", "adam", trials=32, searches=12)
    (said,) = [one for one in warnings(spec, searched(spec, crossing_curves(0))) if "effort" in one]
    assert said == ("the order depends on the tuning effort, by validation error: adam is ahead at 1 trial, sgd at 16.")


def test_many_changes_of_order_are_one_line():
    names = [f"fast{number}" for number in range(5)]
    spec = study("sgd", *names, trials=32, searches=12)
    curves = crossing_curves(0)
    values = {"sgd": curves["sgd"]} | {name: crossing_curves(seed)["adam"] for seed, name in enumerate(names, 1)}
    (said,) = [one for one in warnings(spec, searched(spec, values)) if "effort" in one]
    assert said.count("is ahead at") == 3
    assert said.endswith("; 2 further pairs of arms.")


def test_an_order_that_stays_is_not_mentioned():
    spec = study("sgd", "adam", trials=4, searches=12)
    values = {"sgd": [[0.4, 0.3, 0.3, 0.3]] * 12, "adam": [[0.3, 0.2, 0.2, 0.2]] * 12}
    assert not any("effort" in one for one in warnings(spec, searched(spec, values)))


# What so many searches cannot show


@pytest.mark.parametrize(
    ("searches", "arms", "alpha", "said"),
    [
        (5, "ab", 0.05, "5 searches cannot give a p below 0.0625, whatever they find; it takes 6."),
        (6, "ab", 0.05, None),
        (6, "abc", 0.05, "6 searches cannot give a p below 0.0625, whatever they find; it takes 7."),
        (10, "abcdefgh", 0.05, "10 searches cannot show a winner among 8 arms, whatever they find; it takes 11."),
        (6, "ab", 1e-5, "6 searches cannot give a p below 0.0312, whatever they find."),
    ],
)
def test_what_so_many_searches_cannot_show(searches, arms, alpha, said):
    spec = study(*arms, searches=searches, seeds=1, alpha=alpha)
    found = warnings(spec, finished(spec, **{name: drawn(0.3, ord(name), searches, 1) for name in arms}))
    capacity = [one for one in found if "whatever they find" in one]
    assert capacity == ([said] if said else [])


def test_one_search_is_limited_by_its_seeds_and_needs_no_winner():
    spec = study(*"abcdefgh", searches=1, seeds=10)
    found = warnings(spec, finished(spec, **{name: drawn(0.3, ord(name), 1, 10) for name in "abcdefgh"}))
    assert not any("whatever they find" in one for one in found)
    spec = study("a", "b", searches=1, seeds=5)
    found = warnings(spec, finished(spec, a=drawn(0.3, 0, 1, 5), b=drawn(0.2, 1, 1, 5)))
    assert "5 seeds cannot give a p below 0.0625, whatever they find; it takes 6." in found


def test_the_weightiest_comes_first_and_every_warning_is_a_sentence():
    spec = study("a", "b", "c", searches=5, seeds=1)
    b = drawn(0.3, 1, 5, 1)
    b[0] = NAN
    results = finished(spec, a=drawn(0.3, 0, 5, 1), b=b)
    for search in range(5):
        results |= tuning(spec, "c", [NAN, NAN], search=search)
    found = warnings(spec, results)
    starts = ("c never finished", "5 searches cannot give", "confirm trainings that diverged")
    assert [one.startswith(start) for one, start in zip(found, starts, strict=False)] == [True] * 3
    assert all(one.endswith(".") and not one.endswith("..") and math.isfinite(len(one)) for one in found)
