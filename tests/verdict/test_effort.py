"""What tuning effort buys, by hand and by simulation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slalom.verdict.crossing import checkpoints, crossing, leads
from slalom.verdict.effort import at_equal_cost, best_so_far, effort_curve, expected_best

NAN = math.nan


def test_the_unbiased_estimator_on_one_to_five():
    best = expected_best([3, 1, 5, 2, 4], minimize=False, worst=0)
    assert best == pytest.approx([3.0, 4.0, 4.5, 4.8, 5.0])
    assert expected_best([3, 1, 5, 2, 4], minimize=True, worst=9) == pytest.approx([3.0, 2.0, 1.5, 1.2, 1.0])
    # With replacement (Dodge et al.) the same values give 3.8 and 4.2.
    draws = [np.mean([max(d) for d in itertools.product(range(1, 6), repeat=n)]) for n in (2, 3)]
    assert draws == pytest.approx([3.8, 4.2])


@given(st.lists(st.integers(0, 9).map(float), min_size=1, max_size=7), st.booleans())
def test_it_is_the_mean_over_all_subsets(values, minimize):
    best = min if minimize else max
    subsets = [itertools.combinations(values, n) for n in range(1, len(values) + 1)]
    expected = [np.mean([best(subset) for subset in of]) for of in subsets]
    assert expected_best(values, minimize=minimize, worst=0) == pytest.approx(expected)


def test_a_search_of_very_many_trials_takes_memory_for_its_trials_alone():
    """Of uniform values the least of n is 1 / (n + 1) in the mean."""
    total = 100_000
    found = expected_best([(n + 0.5) / total for n in range(total)], minimize=True, worst=1.0)
    for n in (1, 2, 10, 1000, total // 10):
        assert found[n - 1] == pytest.approx(1 / (n + 1), rel=0.06)
    assert found[-1] == 0.5 / total
    assert (np.diff(found) <= 1e-15).all()


def test_a_trial_without_a_value_is_chosen_last():
    values = [NAN, 0.3, 0.5, NAN, 0.2]
    assert best_so_far(values, minimize=True, worst=1.0).tolist() == [1.0, 0.3, 0.3, 0.3, 0.2]
    assert best_so_far([NAN, 0.3, 0.5], minimize=False, worst=0.0).tolist() == [0.0, 0.3, 0.5]
    assert expected_best([NAN, 0.3], minimize=True, worst=1.0) == pytest.approx([0.65, 0.3])


def test_a_curve_is_the_mean_over_searches_with_its_band():
    searches = np.random.default_rng(0).random((10, 8))
    curve = effort_curve(searches, minimize=True, worst=1.0, alpha=0.05)
    assert curve.trials == 8
    assert curve.mean[-1] == pytest.approx(searches.min(axis=1).mean())
    assert list(curve.mean) == sorted(curve.mean, reverse=True)
    assert all(low < mean < high for mean, (low, high) in zip(curve.mean, curve.band, strict=True))
    smooth = effort_curve(searches, minimize=True, worst=1.0, alpha=0.05, exchangeable=True)
    assert smooth.mean[0] == pytest.approx(searches.mean())
    assert smooth.mean[-1] == pytest.approx(curve.mean[-1])


def early_and_late(noise=0.002):
    """adam is near .2 at once; sgd comes to .1 by its last trials."""
    source = np.random.default_rng(1)
    adam = 0.2 + source.normal(0, noise, (10, 32))
    sgd = np.linspace(0.5, 0.1, 32) + source.normal(0, noise, (10, 32))
    return tuple(effort_curve(arm, minimize=True, worst=1.0, alpha=0.05) for arm in (adam, sgd))


def test_a_change_of_order_is_found():
    found = crossing(("adam", "sgd"), early_and_late(), minimize=True, alpha=0.05)
    assert (found.early.ahead, found.early.trials) == ("adam", 1)
    assert (found.late.ahead, found.late.trials) == ("sgd", 32)
    assert max(found.early.p, found.late.p) < 0.05
    assert crossing(("adam", "sgd"), early_and_late(), minimize=False, alpha=0.05).early.ahead == "sgd"


def test_no_change_of_order_is_made_up():
    source, found = np.random.default_rng(2), 0
    for _ in range(100):
        curves = tuple(effort_curve(source.random((10, 16)), minimize=True, worst=1.0, alpha=0.05) for _ in range(2))
        found += bool(leads(("a", "b"), curves, minimize=True, alpha=0.05))
        assert crossing(("a", "b"), curves, minimize=True, alpha=0.05) is None
    assert found / 100 <= 0.09


def test_checkpoints_double_and_end_with_all():
    assert checkpoints(32) == (1, 2, 4, 8, 16, 32)
    assert checkpoints(20) == (1, 2, 4, 8, 16, 20)
    assert checkpoints(1) == (1,)


def test_curves_of_other_searches_are_refused():
    one, _ = early_and_late()
    short = effort_curve([[0.1, 0.2]] * 10, minimize=True, worst=1.0, alpha=0.05)
    with pytest.raises(ValueError, match="same searches and trials"):
        leads(("adam", "sgd"), (one, short), minimize=True, alpha=0.05)


def test_equal_cost_gives_the_dear_arm_fewer_trials():
    adam, sgd = early_and_late()
    found = at_equal_cost({"adam": adam, "sgd": sgd}, {"adam": 1.0, "sgd": 4.0})
    assert (found["adam"].trials, found["sgd"].trials) == (32, 8)
    assert found["sgd"].mean == sgd.mean[7]
    assert found["adam"].band == adam.band[31]
    equal = at_equal_cost({"adam": adam, "sgd": sgd}, {"adam": 0.1, "sgd": 0.1})
    assert equal["adam"].trials == equal["sgd"].trials == 32


def test_costs_that_allow_nothing_are_refused():
    adam, sgd = early_and_late()
    with pytest.raises(ValueError, match="more than the whole search"):
        at_equal_cost({"adam": adam, "sgd": sgd}, {"adam": 1.0, "sgd": 33.0})
    with pytest.raises(ValueError, match="must be positive"):
        at_equal_cost({"adam": adam}, {"adam": 0.0})
