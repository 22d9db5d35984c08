"""The correction over a family, and what a number of searches can show after it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slalom.verdict.capacity import capacity, searches_needed
from slalom.verdict.family import Uncorrected, correct

P_VALUES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8)


def holm(p_values, family=None):
    return tuple(one.p for one in correct([Uncorrected(p) for p in p_values], 0.05, family))


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.02, 0.02]) == (0.04, 0.04)
    assert holm([0.6, 0.7]) == (1.0, 1.0)
    assert holm([]) == ()
    assert holm([0.01, 0.02], family=5) == pytest.approx((0.05, 0.08))


def test_the_levels_are_those_of_holm_s_steps():
    first, second, third = correct([Uncorrected(0.001), Uncorrected(0.3), Uncorrected(0.02)], 0.05)
    assert first.level == pytest.approx(0.05 / 3)
    assert third.level == pytest.approx(0.05 / 2)
    assert second.level == pytest.approx(0.05)
    stopped = correct([Uncorrected(0.001), Uncorrected(0.03), Uncorrected(0.04)], 0.05)
    assert [one.level for one in stopped] == pytest.approx([0.05 / 3, 0.05 / 2, 0.05 / 2])


@given(P_VALUES, st.integers(0, 3))
def test_a_level_agrees_with_its_corrected_p(p_values, more):
    found = correct([Uncorrected(p) for p in p_values], 0.05, len(p_values) + more)
    assert [one.p < 0.05 for one in found] == [p < one.level for p, one in zip(p_values, found, strict=True)]


@given(P_VALUES, P_VALUES)
def test_a_corrected_p_never_rises_when_the_other_tests_are_made(early, late):
    before = holm(early, family=len(early) + len(late))
    after = holm([*early, *late])
    assert all(now <= then + 1e-12 for now, then in zip(after, before, strict=False))


def test_a_comparison_leaves_the_family_when_neither_hypothesis_is_left():
    both = correct([Uncorrected(0.001, 0.002), Uncorrected(0.04, 0.5)], 0.05)
    assert both[0].p == pytest.approx(0.002)
    assert both[0].p_beyond == pytest.approx(0.004)
    assert both[1].p == pytest.approx(0.04), "the first one is different and equivalent: both hypotheses are gone"
    one = correct([Uncorrected(0.001, 0.5), Uncorrected(0.04, 0.5)], 0.05)
    assert one[1].p == pytest.approx(0.08), "the first one may still be beyond the margin"


def test_wrong_claims_of_a_family_with_a_margin_are_rare():
    # Four arms against a baseline: two do not differ, two differ by exactly the margin.
    source, wrong = np.random.default_rng(37), 0
    for _ in range(4000):
        z = source.normal(size=5)
        apart = (z[1:] - z[0]) / np.sqrt(2) + np.array([0, 0, 3.5, 3.5])
        tests = [Uncorrected(2 * tail(abs(one)), max(tail(one + 3.5), tail(3.5 - one))) for one in apart]
        found = correct(tests, 0.05)
        wrong += any(one.p < 0.05 for one in found[:2]) or any(one.p_beyond < 0.05 for one in found[2:])
    assert wrong / 4000 <= 0.05


def tail(z):
    from scipy.special import ndtr

    return float(ndtr(-z))


# What a number of searches can show


@pytest.mark.parametrize(
    ("searches", "comparisons"), [(1, 0), (3, 0), (5, 0), (6, 1), (7, 3), (8, 6), (10, 25), (11, 51), (20, 1638)]
)
def test_the_largest_family_in_which_a_difference_can_be_shown(searches, comparisons):
    assert capacity(searches, 8, 0.05).comparisons == comparisons


def test_ten_searches_are_enough_for_a_baseline_and_eleven_for_all_pairs_of_eight():
    assert capacity(10, 8, 0.05).baseline
    assert not capacity(10, 8, 0.05).all_pairs
    assert capacity(11, 8, 0.05).all_pairs
    assert (searches_needed(1, 0.05), searches_needed(7, 0.05), searches_needed(28, 0.05)) == (6, 9, 11)


def test_no_number_of_searches_is_enough_for_more_comparisons_than_random_signs_can_tell():
    assert searches_needed(10_000, 0.05) is None
