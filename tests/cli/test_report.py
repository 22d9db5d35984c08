"""`slalom report`: the page of a study that was trained, its numbers, and where else it lies."""

import contextlib
import json

from slalom.report.page.page import Page
from tests.cli.studies import here
from tests.report.pages import Shown, at


def test_the_page_shows_the_numbers_of_show(finished, tmp_path):
    folder, _ = finished
    file = tmp_path / "page.html"
    with contextlib.chdir(folder):
        done = here("report", "small.yaml", "--home", "home", "-o", file)
        shown = json.loads(here("show", "small.yaml", "--home", "home", "--json").stdout)
        told = json.loads(here("report", "small.yaml", "--home", "home", "--format", "json").stdout)
    assert (done.returncode, done.stderr) == (0, "")
    found = Shown(file.read_text())
    by_show = [(place, value) for place, value, _ in found.numbers if not place.startswith("page.")]
    assert len(by_show) >= 15
    assert [place for place, value in by_show if at(shown, place) != json.loads(value)] == []
    assert [place for place, value, _ in found.numbers if at(told, place) != json.loads(value)] == []
    assert ("verdict.sentence", shown["verdict"]["sentence"]) in found.texts
    forest = {row["arm"]: row for row in told["page"]["forest"]["rows"]}
    assert forest == {arm["name"]: arm["difference"] for arm in shown["arms"] if arm["difference"]}
    for name in ("arms", "verdict", "fingerprint", "metric", "baseline"):
        assert told[name] == shown[name]


def test_the_numbers_of_the_page_alone_are_those_of_export(finished):
    folder, _ = finished
    with contextlib.chdir(folder):
        told = json.loads(here("report", "small.yaml", "--home", "home", "--format", "json").stdout)["page"]
        trials = json.loads(here("export", "small.yaml", "--home", "home").stdout)
    for arm in told["curves"]["arms"]:
        for search, values in enumerate(arm["validation"]["each"]):
            seeds = [
                one["history"]
                for one in trials
                if (one["arm"], one["search"], one["phase"]) == (arm["arm"], search, "confirm")
            ]
            assert values == [sum(r["validation.error"] for r in epoch) / 2 for epoch in zip(*seeds, strict=True)]
    for arm in told["effort"]["arms"]:
        tuned = [one for one in trials if (one["arm"], one["phase"]) == (arm["arm"], "tune")]
        assert arm["cost"][-1] == sum(one["epochs"] for one in tuned) / 6
    for arm in told["tried"]["arms"]:
        assert arm["number"] == len(arm["shown"]) == 24
        assert sum(trial["is_choice"] for trial in arm["shown"]) == 6


def test_the_page_lies_beside_the_studys_run(finished):
    folder, _ = finished
    (file,) = (folder / "home" / "artifacts").rglob("report.html")
    run = file.parents[1].name
    assert Shown(file.read_text()).numbers
    assert (folder / "home" / "artifacts" / run / "artifacts" / "study.yaml").exists(), "of the study's run"


def test_a_page_that_cannot_be_written_is_told(finished, tmp_path, monkeypatch):
    folder, _ = finished
    monkeypatch.setattr(Page, "html", lambda page: "")
    with contextlib.chdir(folder):
        done = here("report", "small.yaml", "--home", "home", "-o", tmp_path / "nowhere" / "page.html")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("slalom: --output: cannot write ")


def test_nothing_has_no_page(empty):
    done = here("report", "small.yaml")
    assert done.returncode == 2
    assert "nothing of small is in" in done.stderr
