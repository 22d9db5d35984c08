"""Numbers as a reader meets them."""

from __future__ import annotations

import math

import pytest

from slalom.errors import listing
from slalom.verdict.interval import Interval
from slalom.verdict.wording import bounds, count, equation, measured, probability, short, with_bounds


@pytest.mark.parametrize(
    ("value", "interval", "text"),
    [
        (0.02134, (0.01989, 0.02271), "0.0213 [0.0199, 0.0227]"),
        (-0.00039, (-0.0021, 0.0013), "-0.0004 [-0.0021, 0.0013]"),
        (12.345, (10.61, 14.02), "12.3 [10.6, 14.0]"),
        (1234.5, (1000.2, 1500.7), "1234 [1000, 1501]"),
        (0.5, (0.5, 0.5), "0.5 [0.5, 0.5]"),
        (-0.00001, (-0.01, 0.01), "0.000 [-0.010, 0.010]"),
        (1e-12, (0.0, 3e-12), "1e-12 [0, 3e-12]"),
        (2.5e9, (1e9, 4e9), "2.5e+09 [1e+09, 4e+09]"),
        (0.3, (-math.inf, math.inf), "0.3 [unknown]"),
    ],
)
def test_a_number_has_two_digits_of_its_uncertainty(value, interval, text):
    assert with_bounds(value, Interval(*interval)) == text


def test_a_difference_has_its_sign():
    assert measured(0.0041, Interval(0.0021, 0.0060), "+") == "+0.0041"
    assert measured(-0.0, Interval(0.0, 0.0)) == "0"
    assert bounds(Interval(-0.0, 0.002)) == "[0.0000, 0.0020]"


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (1.0, "p = 1"),
        (0.999, "p = 0.999"),
        (0.312, "p = 0.31"),
        (0.0499, "p = 0.0499"),
        (0.03125, "p = 0.0312"),
        (0.0003, "p = 0.0003"),
        (0.00005, "p < 0.0001"),
    ],
)
def test_a_probability(p, text):
    assert equation(p) == text
    assert probability(p) in text


def test_words():
    assert listing([]) == ""
    assert listing(["a"]) == "a"
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert (count(1, "seed"), count(30, "seed")) == ("1 seed", "30 seeds")
    assert (short(0.0312345), short(True), short(64), short("relu")) == ("0.03123", "True", "64", "relu")
