"""The records as a person meets them: MLflow's page of a finished study, in a real browser."""

import os
from pathlib import Path

import pytest

from slalom.api import local_lanes
from slalom.api import run as run_study
from tests.browser.screenshot import CHROMIUM, DRIVER, browser, open_conclusions, served, shown
from tests.cli.studies import SMALL

PICTURES = Path(__file__).parents[2] / "test-output"

if not (CHROMIUM.exists() and DRIVER.exists()) and os.environ.get("CI") != "true":
    pytest.skip("Debian's packages chromium and chromium-driver are not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browsed")
    (folder / "small.yaml").write_text(SMALL)
    return run_study(folder / "small.yaml", folder / "home", lanes=local_lanes)


def test_the_page_shows_the_study_its_arms_and_the_verdict(result):
    PICTURES.mkdir(exist_ok=True)
    sentence = result.verdict.sentence
    with served(result.home.folder) as studies, browser() as window:
        open_conclusions(window, studies["small"], "small")
        study = shown(window, "//a[normalize-space()='small' and contains(@href, '/runs/')]").get_attribute("href")
        for arm in ("sgd", "adam"):
            shown(window, f"//*[contains(@class, 'ag-row')]//a[normalize-space()='{arm}']")
        window.save_screenshot(PICTURES / "experiment.png")
        window.get(study)
        assert sentence[:60] in shown(window, f"//strong[contains(., '{sentence[:60]}')]").text
        window.save_screenshot(PICTURES / "study.png")
