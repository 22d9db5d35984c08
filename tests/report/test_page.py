"""The page: its parts, its numbers, and that it needs nothing but itself."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import pytest

from slalom.report.page.data.curves import curve
from slalom.report.page.data.effort import cost_of
from slalom.report.page.data.on_record import Decision, OnRecord
from slalom.report.page.drawing.canvas import style
from slalom.report.page.drawing.nets import draw_decisions
from slalom.report.page.page import Page
from slalom.report.page.told import Told
from slalom.search.on_optuna.importance import importances
from slalom.verdict.compare import summarise
from slalom.verdict.summary import State
from slalom.wire.trial import Outcome, Phase
from tests.loop.worlds import COUNTED, MIXED, study, train
from tests.report.pages import ARMS, COMMIT, Shown, begun, check_numbers, check_whole, rich, sections

PARTS = (
    "differences arms curves searches effort choices importance trials divergence boundaries filters nights conditions "
    "provenance"
)


@pytest.fixture(scope="module")
def page():
    return rich()


def test_the_parts_come_in_their_order(page, html):
    assert sections(html) == PARTS.split()
    assert html.index(page.spec.question) < html.index('id="answer"') < html.index('<section id="differences"')
    assert page.summary.verdict.sentence.split(":")[0] in html


def test_every_number_is_that_of_the_object_at_its_place(page, html):
    check_numbers(page, html, 500)


def test_what_is_read_is_the_number_rounded(html):
    for place, value, text in Shown(html).numbers:
        read = re.fullmatch(r"(<? ?)([+-]?[\d.]+(?:e[+-]?\d+)?)( %)?", text)
        assert read, (place, text)
        if read[1]:
            assert float(value) < float(read[2])
        else:
            scale = 0.01 if read[3] else 1.0
            assert math.isclose(float(read[2]) * scale, float(value), rel_tol=0.06, abs_tol=0.006), (place, text)


def test_it_needs_nothing_but_itself(html):
    assert len(html) < 1_000_000
    check_whole(html)


def test_every_plot_is_told_in_words_and_has_a_name_of_its_own(html):
    starts = Shown(html).starts
    plots = [attributes for tag, attributes in starts if tag == "svg"]
    assert len(plots) > 15
    names = [attributes["id"] for _, attributes in starts if "id" in attributes]
    for plot in plots:
        assert plot["role"] == "img"
        assert set(plot["aria-labelledby"].split()) <= set(names)
    used = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', html)
    assert {one or two for one, two in used} <= set(names)


def test_a_name_is_shown_as_it_is_written(page, html):
    assert "an arm of a &lt;long&gt; &amp; winding name" in html
    assert "<long>" not in html
    worse = replace(page, spec=replace(page.spec, question='Is <b>it</b> "so"?'))
    assert "Is &lt;b&gt;it&lt;/b&gt; &quot;so&quot;?" in worse.html()


def test_the_commit_of_the_users_folder_is_told_beside_the_versions(page, html):
    assert f'<th scope="row">git commit of its folder</th><td><code>{COMMIT}</code></td>' in html
    assert "code 0123456789ab, python 3.11.7, torch 2.13.0" in html
    assert page.json["page"]["provenance"]["versions"][0]["commit"] == COMMIT


def test_drawn_twice_it_is_the_same(page, html):
    assert page.html() == html


def test_a_study_of_which_nothing_ended_has_a_page():
    page = begun()
    assert sections(page.html()) == [
        "arms",
        "choices",
        "divergence",
        "conditions",
        "provenance",
    ]
    assert "No verdict yet (running)" in page.html()
    assert json.dumps(page.json, allow_nan=False)


def test_a_curve_is_the_mean_over_searches_of_the_means_over_seeds(page):
    found = page.findings.curves.arms[0].validation
    assert found.epochs == tuple(range(1, 10))
    for place in (0, 8):
        assert found.mean[place] == pytest.approx(sum(search[place] for search in found.each) / 6, rel=1e-15)
        assert found.band[place].low < found.mean[place] < found.band[place].high
    assert page.findings.curves.arms[1].validation.searches == (6,) * 9, "of each search one seed goes on"


def test_a_curve_of_what_nobody_reported_is_none():
    spec = study(trials=8)
    trials = [one for one in train(spec).ended().values() if one.spec.id.phase is Phase.CONFIRM]
    assert curve([trials], "train.error", 0.05) is None


def test_of_more_than_two_classes_each_has_a_region_of_its_colour(page):
    places = tuple(map(float, range(6)))
    rows = tuple(tuple((x + y) // 4 for x in range(6)) for y in range(6))
    points = tuple((x, x, int(x // 2)) for x in places)
    decision = Decision(ARMS[0], 3, places, places, None, rows, None, points, 6000)
    with style():
        (plot,) = draw_decisions([decision], {ARMS[0]: 0})
    assert plot.about.startswith("6 of 6000 training points of 3 classes")
    assert "class 0 on 28%, class 1 on 56% and class 2 on 17%" in plot.about
    for label in range(3):
        assert f"fill: var(--s{label}); fill-opacity: 0.22" in plot.svg
    shown = replace(page.findings, on_record=replace(page.findings.on_record, decisions=(decision,)))
    assert "the ground has the colour of the class" in replace(page, findings=shown).html()


def test_a_net_that_decides_alike_everywhere_or_gives_no_number_has_no_line():
    places = tuple(map(float, range(4)))
    for probability in ([[0.9] * 4] * 4, [[None] * 4] * 4, [[None] * 2 + [0.2, 0.8]] * 4):
        decision = Decision(ARMS[0], 2, places, places, probability, None, None, ((0.0, 0.0, 1),), 1)
        with style():
            (plot,) = draw_decisions([decision], {ARMS[0]: 0})
        assert "finds both classes equally likely" in plot.about


def test_what_trials_cost_is_the_epochs_that_they_trained():
    spec = study(trials=16, searches=2, seeds=1)
    ended = train(spec).ended()
    tuned = [one for key, one in ended.items() if key.arm == "rising" and key.phase is Phase.TUNE]
    assert cost_of(spec, "rising", 2, ended)[-1] == sum(one.result.epochs for one in tuned) / 2 < 16 * 9


def test_what_matters_is_told_of_enough_trials_alone():
    spec = study(space=MIXED, trials=32, pruner="none", seeds=1)
    trials = [one for key, one in train(spec).ended().items() if key.arm == "rising" and key.phase is Phase.TUNE]
    found = importances(spec, spec.arm("rising"), trials)
    assert list(found) == sorted(MIXED)
    assert sum(found.values()) == pytest.approx(1)
    assert max(found, key=found.get) == "learning_rate", "what alone the error of these trials depends on"
    assert importances(spec, spec.arm("rising"), trials[:9]) == {}
    lost = [replace(one, result=replace(one.result, outcome=Outcome.DIVERGED)) for one in trials]
    assert importances(spec, spec.arm("rising"), lost) == {}


def test_a_study_that_maximises_over_a_grid_has_a_page():
    spec = study(space=COUNTED, goal="maximize", sampler="grid", pruner="none", trials=6, searches=2, seeds=2)
    ended = train(spec).ended()
    page = Page.of(spec, summarise(spec, ended, State.COMPLETE), ended, (), OnRecord())
    assert "validation accuracy" in page.html()


def test_a_place_that_holds_nothing_shows_a_dash():
    told = Told({"arms": [{"confirm": None, "p": 0.25}], "interval": [None, 1.0]})
    assert told.number("arms.0.confirm.mean") == "-"
    assert told.bounds("interval") == "[unknown]"
    assert told.p("arms.0.p") == '<data value="0.25" data-at="arms.0.p">0.25</data>'
    with pytest.raises(KeyError):
        told.number("arms.0.q")


def test_the_margin_and_the_names_are_in_the_words_of_the_forest(html):
    about = re.search(r'<desc id="forest-about">(.*?)</desc>', html)[1]
    assert "Within the margin of 0.02" in about
    assert ARMS[1] in about
