"""The forest plot in characters."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from slalom.report.forest import ASCII, COLUMNS, UNICODE, forest_lines
from slalom.verdict.answers import Answer
from slalom.verdict.interval import Interval
from tests.support.record_samples import compared, study, summary


def plot(*rows, margin=None, signs=UNICODE, columns=COLUMNS, goal="minimize"):
    spec = study()
    spec = replace(spec, compare=replace(spec.compare, margin=margin), metric=replace(spec.metric, goal=goal))
    base, arm = summary().arms
    arms = (base, *(replace(arm, name=row.arm, difference=row) for row in rows))
    return forest_lines(spec, replace(summary(), arms=arms), signs, columns)


def row(arm, mean, low, high, answer=Answer.UNDECIDED):
    return replace(compared(), arm=arm, mean=mean, interval=Interval(low, high), answer=answer)


def test_means_and_intervals_are_drawn_to_one_scale():
    head, better, worse, axis = plot(row("a", -2.0, -3.0, -1.0, Answer.BETTER), row("longer", 1.0, 0.0, 3.0))
    assert head == "test error, arm minus constant"
    assert better.endswith("  -2.0 [-3.0, -1.0] better")
    assert worse.endswith("  +1.0 [0.0, 3.0] undecided")
    zero = axis.index("0")
    assert better[zero] == "│", "the interval leaves zero out"
    assert better.index("├") == 8, "the plot begins beside the longest name"
    assert worse.index("├") == zero
    assert (zero - better.index("●")) / (worse.index("●") - zero) == pytest.approx(2, rel=0.1)
    assert axis[:zero].rstrip().endswith("better")
    assert "worse" in axis[zero:]


def test_zero_is_seen_within_an_interval():
    _, line, axis = plot(row("a", -1.0, -3.0, 1.0))
    assert line[axis.index("0")] == "┼"


def test_more_may_be_better():
    axis = plot(row("a", -2.0, -3.0, 3.0), goal="maximize")[-1]
    assert axis.index("worse") < axis.index("0") < axis.index("better")


def test_the_margin_is_shaded():
    head, line, _ = plot(row("a", 2.0, 1.5, 3.0), margin=1.0)
    assert head.endswith("; ░ is the margin, +-1")
    shaded = [place for place, sign in enumerate(line) if sign in "░│"]
    assert shaded == list(range(shaded[0], shaded[-1] + 1))
    assert line.index("├") > shaded[-1]


@pytest.mark.parametrize("signs", [UNICODE, ASCII])
def test_it_fits_the_columns(signs):
    name = "a-name-that-is-far-too-long-for-a-line-of-a-terminal"
    rows = [row(name, 0.123456, 0.123, 0.124), row("b", -0.5, -math.inf, math.inf), row("c", 0, 0, 0, Answer.IDENTICAL)]
    for columns in (60, 80):
        lines = plot(*rows, margin=0.01, signs=signs, columns=columns)
        assert len(lines) == 5
        assert max(map(len, lines)) <= columns
    assert "".join(lines).isascii() == (signs is ASCII)


def test_nothing_is_drawn_where_nothing_is_compared():
    assert plot() == []
    assert plot(row("a", 0.0, 0.0, 0.0, Answer.IDENTICAL)) == []
