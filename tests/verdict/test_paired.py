"""The paired test and its interval, held against hand computations, published figures and simulated truth."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import stdtr

from slalom.verdict.flips import ROWS, sign_vectors, smallest_p, tail_shares, within_tail
from slalom.verdict.paired import mean_interval, paired_test, sign_flip_p
from slalom.verdict.robust import interquartile_mean, robust_test
from slalom.verdict.stages import Looks

PUBLISHED = (0.01, 0.02, 0.015, -0.005, 0.01, 0.03, 0, 0.02, 0.01, 0.005)
DIFFERENCES = st.lists(st.integers(-4, 4).map(float), min_size=6, max_size=12)
INFINITE = (-math.inf, math.inf)


def random(seed):
    return np.random.default_rng(seed)


def by_enumeration(differences):
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in all_signs(len(differences))]
    return np.mean([size >= abs(sum(differences)) - 1e-9 for size in sums])


def all_signs(n):
    return itertools.product([1, -1], repeat=n)


# The test


def test_published_figures():
    assert sign_flip_p(PUBLISHED) == pytest.approx(0.01172, abs=5e-6)
    assert interquartile_mean([1, 2, 3, 4, 5, 6, 7, 8, 9, 100]) == 5.5


def test_two_one_sided_tests_are_near_students():
    # Student's two one-sided tests at +-.02 give .01407; of the 1024 signs of .02 - d, 24 reach the observed sum.
    sample = np.array(PUBLISHED)
    student = stdtr(9, (sample.mean() - 0.02) / (sample.std(ddof=1) / math.sqrt(10)))
    assert student == pytest.approx(0.01407, abs=5e-6)
    assert paired_test(PUBLISHED).p_beyond(0.02) == 24 / 1024
    sums = [sum(s * (d - 0.02) for s, d in zip(signs, PUBLISHED, strict=True)) for signs in all_signs(10)]
    assert sum(total <= sum(PUBLISHED) - 0.2 + 1e-12 for total in sums) == 24


@given(DIFFERENCES)
@settings(max_examples=40, deadline=None)
def test_p_counts_all_signs(differences):
    assert sign_flip_p(differences) == pytest.approx(by_enumeration(differences), abs=1e-12)


def test_sums_that_are_equal_on_paper_count_as_equal():
    assert sign_flip_p([0.1, 0.1, 0.1, -0.1]) == 10 / 16


@pytest.mark.parametrize(("searches", "least"), [(1, 1.0), (5, 0.0625), (6, 0.03125), (10, 1 / 512), (16, 2**-15)])
def test_no_p_is_below_what_the_searches_can_show(searches, least):
    assert sign_flip_p([1.0 + number for number in range(searches)]) == least == smallest_p(searches)


def test_more_searches_than_all_signs_are_drawn_for():
    assert sign_flip_p([1.0] * 40) == 1 / ROWS == smallest_p(40)
    sample = random(5).normal(0.5, 1, 14)
    assert sign_flip_p([*sample, *[0.0] * 6]) == pytest.approx(sign_flip_p(sample), rel=0.1)


def test_no_difference_at_all_is_no_evidence():
    assert sign_flip_p([0.0] * 10) == sign_flip_p([0.0] * 30) == 1.0


@pytest.mark.parametrize("n", [17, 20, 40])
def test_earlier_signs_stay_when_searches_are_added(n):
    assert sign_vectors(n)[0].tolist() == [1.0] * n
    assert np.array_equal(sign_vectors(n)[:, :10], np.tile(sign_vectors(10), (ROWS // 512, 1)))
    assert np.array_equal(sign_vectors(44)[:, :n], sign_vectors(n))


@given(st.lists(st.integers(0, 5).map(float), min_size=1, max_size=30), st.floats(0, 1))
def test_tails_count_equal_sizes(sizes, share):
    shares = [np.mean([other >= size for other in sizes]) for size in sizes]
    assert tail_shares(np.array(sizes)) == pytest.approx(shares)
    at_most = np.array(shares) <= share + 1e-6 / len(sizes)
    assert within_tail(np.array(sizes), share).tolist() == at_most.tolist()


@pytest.mark.parametrize("bad", [[], [math.nan, 1.0], [math.inf]])
def test_what_is_no_difference_is_refused(bad):
    with pytest.raises(ValueError, match="at least one difference"):
        paired_test(bad)


def error_pairs(source, shape):
    return source.binomial(20, 0.2, shape) - source.binomial(20, 0.2, shape)


@pytest.mark.parametrize("n", [10, 20])
@pytest.mark.parametrize("law", [lambda s, shape: s.normal(size=shape), error_pairs], ids=["normal", "ties"])
def test_p_errs_no_more_often_than_it_says(n, law):
    found = np.array([paired_test(sample, rows=2**10).p() for sample in law(random(n), (1500, n))])
    for alpha in (0.05, 0.2):
        assert np.mean(found < alpha) <= alpha + 2.6 * math.sqrt(alpha * (1 - alpha) / 1500)
    assert np.mean(found < 0.05) >= 0.02


# The interval


@given(DIFFERENCES, st.sampled_from([0.05, 0.05 / 3, 0.05 / 7, 0.2]))
@settings(max_examples=100, deadline=None)
def test_it_excludes_zero_if_and_only_if_p_is_below_alpha(differences, alpha):
    test = paired_test(differences)
    low, high = test.interval(alpha)
    assert (low > 0 or high < 0) == (test.p() < alpha)


@given(DIFFERENCES, st.sampled_from([1.0, 2.5]))
@settings(max_examples=60, deadline=None)
def test_the_equivalence_interval_agrees_with_its_p(differences, margin):
    test = paired_test(differences)
    low, high = test.equivalence_interval(0.05)
    assert (-margin < low and high < margin) == (test.p_beyond(margin) < 0.05)


def test_interval_by_hand():
    # At 6 searches 95 % leaves out nothing but all signs alike: the ends are the extreme differences.
    assert mean_interval([3.0, 1.0, 2.0, 9.0, 5.0, 4.0], 0.05) == (1.0, 9.0)
    assert mean_interval([3.0, 1.0, 2.0, 9.0, 5.0], 0.05) == INFINITE
    # At 8, p counts 7 of 128: the sixth smallest mean of a subset of 1, 2, 4, ... is that of 1, 2, 4, or (1 + 4) / 2.
    means = sorted(
        sum(part) / len(part) for size in range(1, 8) for part in itertools.combinations(2.0 ** np.arange(8), size)
    )
    assert mean_interval(2.0 ** np.arange(8), 0.05) == (means[5], means[-6])


def test_one_value_bounds_nothing_and_equal_values_leave_no_doubt():
    assert mean_interval([0.3], 0.05) == INFINITE
    assert mean_interval([0.25] * 10, 0.05) == (0.25, 0.25)


@pytest.mark.parametrize("n", [10, 20])
@pytest.mark.parametrize(
    "law",
    [
        lambda source, shape: source.normal(size=shape),
        lambda source, shape: source.standard_t(3, shape),
        lambda source, shape: source.exponential(size=shape) - source.exponential(size=shape),
        error_pairs,
    ],
    ids=["normal", "t3", "exponentials", "ties"],
)
def test_it_covers_as_often_as_it_says(n, law):
    ends = np.array([paired_test(sample, rows=2**10).interval(0.05) for sample in law(random(17), (1500, n))])
    assert np.mean((ends[:, 0] <= 0) & (ends[:, 1] >= 0)) == pytest.approx(0.955, abs=0.02)


def test_it_is_as_wide_as_students_where_the_data_are_normal():
    ratios = []
    for sample in random(19).normal(size=(200, 10)):
        low, high = mean_interval(sample, 0.05)
        ratios.append((high - low) / (2 * 2.2622 * sample.std(ddof=1) / math.sqrt(10)))
    assert np.mean(ratios) == pytest.approx(1.01, abs=0.03)


# The interquartile mean


def test_one_disaster_hides_no_wins():
    differences = [*-np.linspace(0.003, 0.006, 29), 0.9]
    assert sign_flip_p(differences) > 0.5
    assert robust_test(differences).p < 0.001
    assert robust_test(differences).mean == pytest.approx(-0.0044, abs=2e-4)


def test_the_robust_p_by_hand():
    assert robust_test([1.0] * 10).p == 1 / 512
    # Sizes 1, 1, 1, 1, 1, 2 after clipping 9 to the upper quartile 1: 5 - 1 of 6 is reached by 1 + 6 of 32.
    assert robust_test([1.0, 1.0, 1.0, 1.0, 1.0, -9.0]).p == pytest.approx(7 / 32)
    assert robust_test([0.0] * 10).p == 1.0
    assert robust_test([0.0] * 9 + [5.0]).p == 1.0


def test_clipping_does_not_move_when_searches_are_added():
    looks, sample = Looks((10, 20)), random(43).normal(0.9, 1, 20)
    early, late = robust_test(sample[:10], looks), robust_test([*sample[:10], *sample[10:] * 100], looks)
    assert late.p <= early.p
