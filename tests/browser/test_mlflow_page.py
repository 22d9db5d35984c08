"""The records as a person meets them: MLflow's pages of a finished study, in a real browser."""

import json
import os
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from slalom.api import run as run_study
from slalom.wiring import local_lanes
from tests.browser.screenshot import (
    CHROMIUM,
    DRIVER,
    RUN,
    browser,
    open_conclusions,
    served,
    shown,
    take,
    without_assistant,
)
from tests.cli.studies import SMALL
from tests.support.mlflow_tables import database

PICTURES = Path(__file__).parents[2] / "test-output"

if not (CHROMIUM.exists() and DRIVER.exists()) and os.environ.get("CI") != "true":
    pytest.skip("Debian's packages chromium and chromium-driver are not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browsed")
    (folder / "small.yaml").write_text(SMALL)
    database(folder / "home")
    return run_study(folder / "small.yaml", folder / "home", lanes=local_lanes)


@pytest.fixture(scope="module")
def page(result):
    """The address that `slalom ui` prints for the study, while it serves."""
    with served(result.home.folder) as studies:
        assert list(studies) == ["small"]
        yield studies["small"]


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    PICTURES.mkdir(exist_ok=True)
    with browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


def run_of(page, condition):
    """The address of the page of a run that MLflow finds."""
    server, _, path = page.partition("/#/experiments/")
    experiment = path.split("/")[0]
    request = Request(
        f"{server}/api/2.0/mlflow/runs/search",
        json.dumps({"experiment_ids": [experiment], "filter": condition}).encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(request, timeout=30) as answer:
        run = json.load(answer)["runs"][0]
    return f"{server}/#/experiments/{experiment}/runs/{run['info']['run_id']}"


def visit(window, address):
    window.get(address)
    shown(window, "main, #root")
    without_assistant(window)


def test_the_experiment_shows_the_study_its_arms_and_the_verdict(result, page, window):
    open_conclusions(window, page)
    names = [link.text for link in window.find_elements("css selector", RUN)]
    assert names[0] == "small"
    assert sorted(names[1:]) == ["adam", "sgd"]
    assert shown(window, "strong", lambda strong: strong.text == result.verdict.sentence)
    header = [cell.text for cell in window.find_elements("css selector", "th")]
    assert header[:5] == ["arm", "test error", "difference", "p (Holm)", "P(better)"]
    window.save_screenshot(PICTURES / "experiment.png")


def test_the_page_of_the_study_begins_with_the_verdict(result, page, window):
    visit(window, run_of(page, "tags.`slalom.kind` = 'study'"))
    assert shown(window, "strong", lambda strong: strong.text == result.verdict.sentence)
    for arm in ("sgd", "adam"):
        assert shown(window, "a[href*='/runs/']", lambda link, arm=arm: link.text.strip(", ") == arm)
    window.save_screenshot(PICTURES / "study.png")


def test_the_page_of_an_arm_begins_with_its_result(result, page, window):
    visit(window, run_of(page, "tags.`slalom.kind` = 'arm' AND tags.`slalom.arm` = 'adam'"))
    assert shown(window, "p", lambda text: text.text.startswith("Test error ") and "over 6 searches" in text.text)
    window.save_screenshot(PICTURES / "arm.png")


def test_a_trial_draws_its_curve(page, window):
    trial = run_of(page, "tags.`slalom.phase` = 'confirm' AND tags.`slalom.arm` = 'adam'")
    visit(window, f"{trial}/model-metrics")
    shown(window, ".js-plotly-plot")
    shown(window, "input[placeholder='Search metric charts']").send_keys("validation.error")
    # four epochs: from the first point three lines on
    line = shown(window, ".js-plotly-plot .scatterlayer path.js-line", lambda path: len(corners(path)) == 4)
    assert len({x for x, _ in corners(line)}) == 4
    assert shown(window, "body", lambda body: "(validation.error)" in body.text and "(test.error)" not in body.text)
    window.save_screenshot(PICTURES / "curve.png")


def corners(path):
    """The points of a line that is drawn: "M0,9L5,3L..."."""
    return [tuple(point.split(",")) for point in (path.get_attribute("d") or "").lstrip("M").split("L") if point]


def test_the_picture_for_the_readme(page, window):
    picture = PICTURES / "readme.png"
    take(window, page, str(picture))
    assert "confirm.mean" in shown(window, "body").text
    width, height = (int.from_bytes(picture.read_bytes()[start : start + 4]) for start in (16, 20))
    assert (width, height) == (1600, 900)
