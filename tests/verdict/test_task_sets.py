"""Which studies are a set of tasks: what is refused, with its place and rule."""

from __future__ import annotations

import re

import pytest

from slalom.errors import InputError
from slalom.verdict.summary import State
from slalom.verdict.tasks.several import several
from tests.verdict.tasks_made_up import finished, table

VALUES = {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}


@pytest.mark.parametrize(
    ("studies", "rule"),
    [
        ([finished("t0", VALUES)], "at least two, but got 1"),
        (
            [finished("t0", VALUES), finished("t0", VALUES)],
            "t0: every study must be another one, but this one is named",
        ),
        (
            [finished("t0", VALUES), finished("t1", VALUES, state=State.INTERRUPTED)],
            "t1: only finished studies are compared, but this one is interrupted; `slalom run` goes on with it",
        ),
        (
            [finished("t0", VALUES), finished("t1", {"a": 0.1, "b": 0.2, "e": 0.3})],
            "t1: its arms must be those of t0, but it lacks c and d and has e beside",
        ),
        (
            [finished("t0", VALUES), finished("t1", VALUES, metric="accuracy")],
            "t1: its metric must be better in the same direction as t0's, but it would maximize accuracy, and t0 "
            "minimize error",
        ),
        (
            table([[0.1, 0.2]] * 5),
            "5 studies cannot tell 2 arms apart, whatever they found: by chance alone all of them put the arms in one "
            "order with p = 0.0625, and it must be below 0.05; it takes 6",
        ),
    ],
)
def test_what_is_no_set_of_tasks_is_refused(studies, rule):
    with pytest.raises(InputError, match=re.escape(rule)):
        several(studies)


def test_a_rope_over_different_metrics_is_refused():
    studies = [finished("t0", VALUES), finished("t1", VALUES, metric="loss")]
    with pytest.raises(InputError, match="a rope needs studies of one metric, but these have test error and test loss"):
        several(studies, rope=0.1)


def test_a_rope_that_is_no_size_is_refused():
    with pytest.raises(InputError, match=r"the rope must be a number of at least 0.*-0.1"):
        several(table([[0.1, 0.2, 0.3, 0.4]] * 2), rope=-0.1)
