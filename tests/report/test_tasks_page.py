"""The page of several studies: its parts, its numbers, and that it needs nothing but itself."""

from __future__ import annotations

import json
import re

import pytest

from slalom.report.page.tasks_page import TasksPage
from slalom.verdict.tasks.several import several
from tests.report.pages import Shown, check_numbers, check_whole, sections
from tests.report.tasks_pages import ARMS, ROWS, rich
from tests.verdict.tasks_made_up import finished, table


@pytest.fixture(scope="module")
def page():
    return rich()


def test_the_parts_come_in_their_order(page, html):
    assert sections(html) == ["ranks", "values", "probabilities", "profiles", "conditions", "studies"]
    assert html.index('id="answer"') < html.index('<section id="ranks"')
    assert ("sentence", page.sentence) in [(place, text) for place, text in Shown(html).texts]


def test_every_number_is_that_of_the_object_at_its_place(page, html):
    check_numbers(page, html, 80)


def test_it_needs_nothing_but_itself(html):
    check_whole(html)
    assert "img" not in {tag for tag, _ in Shown(html).starts}


def test_the_diagram_tells_the_critical_difference_and_who_is_not_told_apart(html):
    about = re.search(r'<desc id="ranks-about">(.*?)</desc>', html)[1]
    assert "Average ranks that differ by 1.77 are told apart." in about
    assert "Not told apart: adam, momentum and sgd." in about
    assert "an arm of a &lt;long&gt; &amp; winding name 4" in about


def test_the_bars_are_seen_from_the_best_arm(page, html):
    about = re.search(r'<desc id="signed-rank-about">(.*?)</desc>', html)[1]
    pair = next(one for one in page.found.signed_rank.pairs if {one.arm, one.other} == {"sgd", "adam"})
    assert f"adam better than sgd with probability {pair.worse:.2f}" in about


def test_a_page_of_other_metrics_and_negative_values_leaves_out_what_there_is_not():
    values = dict(zip(ARMS, ROWS[0], strict=True))
    found = several([finished("t0", values), finished("t1", {**values, "sgd": -1.0}, metric="loss")])
    html = TasksPage.of(found).html()
    assert sections(html) == ["ranks", "values", "conditions", "studies"]
    assert "no performance profiles" in html


def test_an_arm_without_a_value_is_shown_as_a_dash():
    values = dict(zip(ARMS, ROWS[0], strict=True))
    page = TasksPage.of(several([finished("t0", values), finished("t1", {**values, "sgd": None})]))
    assert json.dumps(page.json, allow_nan=False)
    assert page.json["tasks"][1]["values"][0] is None
    assert "<td>-</td>" in page.html()


def test_a_page_of_one_order_has_an_infinite_f(page):
    found = TasksPage.of(several(table([[0.1, 0.2, 0.3, 0.4]] * 3)))
    assert found.json["friedman"]["f"] is None
    assert found.html()


def test_in_a_terminal_it_is_its_sentence(page):
    assert repr(page) == f"<{page.sentence}>"
