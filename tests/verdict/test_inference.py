"""The interval, the test and the correction, held against hand computations and against simulated truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slalom.verdict.inference import EXACT_PAIRS, FLIPS, holm, mean_interval, sign_flip_p, smallest_p
from slalom.verdict.summary import Interval

P_VALUES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8)


def random(seed):
    return np.random.default_rng(seed)


# Sign flips


@pytest.mark.parametrize(("pairs", "least"), [(1, 1.0), (3, 0.25), (5, 0.0625), (6, 0.03125), (14, 2 / 2**14)])
def test_no_p_is_below_what_the_number_of_pairs_can_show(pairs, least):
    assert sign_flip_p([1.0 + number for number in range(pairs)], seed=0) == least
    assert smallest_p(pairs) == least


def test_random_flips_never_give_zero():
    assert sign_flip_p([1.0] * 30, seed=0) == 1 / (FLIPS + 1) == smallest_p(30)


def test_p_by_hand():
    # Of the 8 signed sums of 3, 2, 1 (6 4 2 0 and their negatives), those of 3 + 2 - 1 and beyond are 4 of 8.
    assert sign_flip_p([3.0, 2.0, -1.0], seed=0) == 0.5


def test_sums_that_are_equal_on_paper_count_as_equal():
    # Of the 16 signed sums of four 0.1, all but the 6 that are zero reach 0.2; in floating point, 0.1 + 0.1 + 0.1 - 0.1
    # comes out larger than the same four in another order.
    assert sign_flip_p([0.1, 0.1, 0.1, -0.1], seed=0) == 10 / 16


def test_no_difference_at_all_is_no_evidence():
    assert sign_flip_p([0.0] * 8, seed=0) == sign_flip_p([0.0] * 30, seed=0) == 1.0


def test_the_side_does_not_matter_and_the_seed_repeats():
    sample = random(3).normal(0.3, 1, 30)
    assert sign_flip_p(sample, seed=7) == sign_flip_p(-sample, seed=7) == sign_flip_p(sample, seed=7)
    assert sign_flip_p(sample, seed=7) != sign_flip_p(sample, seed=8)


def test_random_flips_agree_with_all_of_them():
    sample = random(5).normal(0.4, 1, EXACT_PAIRS)
    exact = sign_flip_p(sample, seed=0)
    # Four zeros more leave every sum as it is, and pass the limit of the exact computation.
    assert sign_flip_p([*sample, 0, 0, 0, 0], seed=1) == pytest.approx(exact, abs=4 * math.sqrt(exact / FLIPS))


@pytest.mark.parametrize(
    ("pairs", "studies", "draw"), [(10, 2000, "normal"), (10, 2000, "laplace"), (30, 500, "normal")]
)
def test_p_is_uniform_where_nothing_differs(pairs, studies, draw):
    samples = getattr(random(11), draw)(size=(studies, pairs))
    found = np.array([sign_flip_p(sample, seed=number, flips=1000) for number, sample in enumerate(samples)])
    for level in (0.05, 0.2, 0.5, 0.8):
        tolerance = 3.5 * math.sqrt(level * (1 - level) / studies) + 1 / 512
        assert np.mean(found <= level) == pytest.approx(level, abs=tolerance)


def test_29_pairs_detect_that_three_of_four_are_better():
    # P(A > B) = .75 is a normal difference with a mean of .674 standard deviations. Bouthillier (2021) asks for
    # a power of 95 % at a one-sided 5 %; the two-sided test at 5 % has 94 %.
    samples = random(13).normal(0.6745, 1, size=(1000, 29))
    found = np.array([sign_flip_p(sample, seed=number, flips=1000) for number, sample in enumerate(samples)])
    assert np.mean(found < 0.10) >= 0.95
    assert np.mean(found < 0.05) >= 0.92


# Holm


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.02, 0.02]) == (0.04, 0.04)
    assert holm([0.6, 0.7]) == (1.0, 1.0)
    assert holm([0.03]) == (0.03,)
    assert holm([]) == ()


def test_holm_over_a_family_that_is_not_complete():
    assert holm([0.01, 0.02], family=5) == pytest.approx((0.05, 0.08))


@given(P_VALUES, st.randoms(use_true_random=False))
def test_holm_keeps_the_order_and_does_not_depend_on_it(p_values, source):
    adjusted = holm(p_values)
    assert all(p <= corrected <= 1 for p, corrected in zip(p_values, adjusted, strict=True))
    order = source.sample(range(len(p_values)), len(p_values))
    assert holm([p_values[place] for place in order]) == tuple(adjusted[place] for place in order)


@given(P_VALUES, P_VALUES)
@settings(max_examples=50)
def test_a_corrected_p_never_rises_when_the_other_tests_are_made(early, late):
    before = holm(early, family=len(early) + len(late))
    after = holm([*early, *late])
    assert all(now <= then + 1e-12 for now, then in zip(after, before, strict=False))


# Intervals


@pytest.mark.parametrize(
    ("draw", "mean"),
    [
        (lambda source: source.normal(0, 1, 30), 0.0),
        (lambda source: source.exponential(1, 30), 1.0),
        (lambda source: source.lognormal(0, 0.5, 30), math.exp(0.125)),
        (lambda source: source.standard_t(3, 30), 0.0),
        (lambda source: source.exponential(1, 30) - source.exponential(1, 30), 0.0),
        (lambda source: 1.0 * (source.random(30) < 0.75), 0.75),
    ],
    ids=["normal", "exponential", "lognormal", "t3", "paired exponential", "shares"],
)
def test_the_interval_covers_the_mean_as_often_as_it_says(draw, mean):
    source = random(17)
    intervals = [mean_interval(draw(source), level=0.95, seed=number) for number in range(600)]
    assert np.mean([low <= mean <= high for low, high in intervals]) == pytest.approx(0.95, abs=0.03)


def test_the_interval_is_as_wide_as_students_where_the_data_are_normal():
    widths = []
    for number, sample in enumerate(random(19).normal(0, 1, (60, 30))):
        low, high = mean_interval(sample, level=0.95, seed=number)
        widths.append((high - low) / (2 * 2.0452 * sample.std(ddof=1) / math.sqrt(30)))
    assert np.mean(widths) == pytest.approx(1, abs=0.008), "the plain percentile bootstrap gives 0.94"


def test_a_higher_level_is_wider_and_a_seed_repeats():
    sample = random(23).normal(0, 1, 12)
    wide, narrow = mean_interval(sample, 0.99, seed=1), mean_interval(sample, 0.9, seed=1)
    assert wide.low < narrow.low < sample.mean() < narrow.high < wide.high
    assert mean_interval(sample, 0.9, seed=1) == narrow
    assert mean_interval(sample, 0.9, seed=2) != narrow


def test_equal_values_leave_no_doubt_and_one_value_leaves_all_of_it():
    assert mean_interval([0.1] * 30, 0.95, seed=0) == Interval(0.1, 0.1)
    assert mean_interval([0.1], 0.95, seed=0) == Interval(-math.inf, math.inf)
