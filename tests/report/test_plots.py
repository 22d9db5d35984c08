"""The page's plots by name: the same as in the page, and as a notebook shows them."""

from __future__ import annotations

import re

import pytest

from slalom.report.page.figures import Figures
from slalom.report.plots import Plots
from slalom.verdict.compare import summarise
from slalom.verdict.summary import State
from tests.loop.worlds import study, train
from tests.report.pages import ARMS, Shown, rich, trained


@pytest.fixture(scope="module")
def page():
    return rich()


@pytest.fixture(scope="module")
def plots():
    return Plots(*trained())


@pytest.mark.parametrize(
    ("name", "drawn"),
    [("differences", "forest"), ("curves", "curves-0"), ("effort", "effort-trials"), ("choices", "choices-0")],
)
def test_each_is_drawn_as_in_the_page(name, drawn, page, plots):
    figures = getattr(plots, name)()
    assert figures.plots[0].name == drawn
    html = page.html()
    assert all(plot.svg in html for plot in figures.plots)


def test_a_notebook_is_given_all_that_the_plots_need(plots):
    html = plots.effort()._repr_html_()
    starts = Shown(html).starts
    assert not {tag for tag, _ in starts} & {"script", "link", "iframe", "img"}
    names = [attributes["id"] for _, attributes in starts if "id" in attributes]
    assert len(set(names)) == len(names)
    used = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', html)
    labels = [label for _, one in starts if "aria-labelledby" in one for label in one["aria-labelledby"].split()]
    assert {one or two for one, two in used} | set(labels) <= set(names)
    assert set(re.findall(r"var\(--(\w+)\)", html)) <= set(re.findall(r"--(\w+): ", html))
    assert ARMS[0] in html.split("</style>")[1].split("<svg")[0], "the legend stands before the plots"


def test_its_style_holds_within_its_own_element(plots):
    html = plots.differences()._repr_html_()
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    assert style.startswith(".slalom-plots {")
    assert style.rstrip().endswith("}")
    assert ":root" not in style
    assert html.startswith('<div class="slalom-plots">')


def test_plots_of_two_studies_have_names_of_their_own(plots):
    other = study(seed=1, searches=6, seeds=2, trials=8)
    ended = train(other).ended()
    beside = Plots(other, summarise(other, ended, State.COMPLETE), ended)
    names = [set(re.findall(r' id="([^"]+)"', one.curves()._repr_html_())) for one in (plots, beside)]
    assert names[0]
    assert not names[0] & names[1]


def test_nothing_to_show_is_said():
    spec = study()
    figures = Plots(spec, summarise(spec, {}, State.RUNNING), {}).differences()
    assert figures == Figures(())
    assert figures._repr_html_() == "<p>There is nothing to show yet.</p>"
    assert repr(figures) == "<0 plots: >"
