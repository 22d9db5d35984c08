"""Looks and the alpha they spend, held against published bounds and simulated truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from slalom.verdict.capacity import capacity
from slalom.verdict.flips import smallest_p
from slalom.verdict.paired import paired_test
from slalom.verdict.stages import Looks, pocock

LOOKS = Looks((10, 20, 40))
ROWS = 2**9


def obrien_fleming(share):
    """The alpha of .05 that O'Brien and Fleming's type spends; the looks do not use it."""
    return 2 * (1 - ndtr(-ndtri(0.025) / math.sqrt(share)))


def spent_by(bounds, shares, points=4001):
    """The probability that |B(t)| / sqrt(t) has passed its bound by each look, B Brownian motion."""
    grid = np.linspace(-8, 8, points)
    step = grid[1] - grid[0]
    density, before, passed = None, 0.0, []
    for bound, share in zip(bounds, shares, strict=True):
        spread = math.sqrt(share - before)
        if density is None:
            density = np.exp(-0.5 * (grid / spread) ** 2) / (spread * math.sqrt(2 * math.pi))
        else:
            kernel = np.exp(-0.5 * (np.arange(-points + 1, points) * step / spread) ** 2) / (
                spread * math.sqrt(2 * math.pi)
            )
            density = np.convolve(density, kernel)[points - 1 : 2 * points - 1] * step
        density = np.where(np.abs(grid) < bound * math.sqrt(share), density, 0.0)
        passed.append(1 - density.sum() * step)
        before = share
    return passed


@pytest.mark.parametrize(
    ("spending", "bounds"),
    [
        (lambda share: 0.05 * pocock(share), (2.585, 2.558, 2.387, 2.232)),
        (obrien_fleming, (5.544, 3.920, 2.774, 1.979)),
    ],
    ids=["pocock", "obrien_fleming"],
)
def test_published_bounds_spend_what_the_function_says(spending, bounds):
    shares = (0.125, 0.25, 0.5, 1.0)
    assert spent_by(bounds, shares) == pytest.approx([spending(share) for share in shares], abs=3e-4)


def test_ten_of_forty_searches_cannot_decide_by_obrien_fleming_and_can_by_pocock():
    assert obrien_fleming(0.25) < smallest_p(10) < 0.05 * pocock(0.25) / 7
    assert capacity(10, 8, 0.05, LOOKS).comparisons == 9
    assert capacity(10, 8, 0.05, LOOKS).baseline
    assert not capacity(10, 8, 0.05, LOOKS).all_pairs
    assert capacity(20, 8, 0.05, LOOKS).all_pairs


def test_looks():
    assert Looks.doubling(10, 40).at == (10, 20, 40)
    assert Looks.doubling(10, 50).at == (10, 20, 40, 50)
    assert Looks.doubling(10, 10).at == (10,)
    assert sum(LOOKS.weights) == pytest.approx(1)
    assert LOOKS.weights == pytest.approx((0.3574, 0.2627, 0.3799), abs=1e-4)


@pytest.mark.parametrize("bad", [(), (0, 4), (10, 10), (20, 10)])
def test_looks_that_do_not_increase_are_refused(bad):
    with pytest.raises(ValueError, match="must increase"):
        Looks(bad)


def test_a_verdict_between_looks_is_refused():
    with pytest.raises(ValueError, match=r"due at \[10, 20, 40\] searches \(got 12\)"):
        paired_test([1.0] * 12, LOOKS)


def test_the_first_look_spends_its_share():
    sample = np.random.default_rng(1).normal(0.8, 1, 10)
    assert paired_test(sample, LOOKS).p() == pytest.approx(paired_test(sample).p() / LOOKS.weights[0])


@given(st.lists(st.integers(-3, 5).map(float), min_size=20, max_size=20))
@settings(max_examples=30, deadline=None)
def test_what_is_decided_stays_decided(differences):
    early = paired_test(differences[:10], LOOKS, rows=ROWS).p()
    late = paired_test(differences, LOOKS, rows=ROWS).p()
    once = paired_test(differences, rows=ROWS).p() / LOOKS.weights[1]
    assert late <= early
    assert late <= once + 1e-12, "no worse than sharing alpha out over the looks"


@given(
    st.lists(st.integers(-3, 6).map(float), min_size=20, max_size=20),
    st.sampled_from([(10, 20), (5, 8, 20), (1, 2, 20)]),
    st.sampled_from([0.05, 0.05 / 7, 0.05 / 28]),
)
@settings(max_examples=60, deadline=None, derandomize=True)
@example([0.0] * 7 + [1.0] * 8 + [0.0] * 5, (10, 20), 0.05 / 7)
@example([0.0] * 9 + [1.0] + [0.0] * 10, (10, 20), 0.05)
@example([0.0] * 20, (10, 20), 0.05 / 28)
@example([0, -2, 3, -2, 3, 3, 0, -2, 4, 0, -1, 2, 2, 3, 0, 3, 0, 0, 1, 1, 1, -1, 5, 3.0], (8, 24), 0.05 / 3)
def test_the_interval_agrees_with_p_at_a_later_look(differences, looks, alpha):
    test = paired_test(differences, Looks(looks), rows=ROWS)
    low, high = test.interval(alpha)
    assert low <= high
    assert (low > 0 or high < 0) == (test.p() < alpha)


def decided(samples):
    """The look at which each sample is decided at 5 %, 0 for never."""
    tests = ((paired_test(sample[:n], LOOKS, rows=ROWS).p() < 0.05 for n in LOOKS.at) for sample in samples)
    return np.array([next((n for n, yes in zip(LOOKS.at, test, strict=True) if yes), 0) for test in tests])


@pytest.mark.parametrize("law", ["normal", "ties"])
def test_three_looks_err_no_more_often_than_one(law):
    source = np.random.default_rng(29)
    ties = source.binomial(20, 0.2, (800, 40)) - source.binomial(20, 0.2, (800, 40))
    stops = decided(ties if law == "ties" else source.normal(size=(800, 40)))
    assert 0.025 <= np.mean(stops > 0) <= 0.07, "three looks at the full alpha call one in nine"


def test_large_differences_are_seen_early():
    stops = decided(np.random.default_rng(31).normal(1.0, 1, (300, 40)))
    assert np.mean(stops == 10) > 0.5
    assert np.mean(stops > 0) > 0.99
