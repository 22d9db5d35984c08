"""What the tests of this folder share: Chromium, and one small study that has run."""

import os

import pytest

from slalom.api import run
from slalom.wiring import local_lanes
from tests.browser.screenshot import CHROMIUM, DRIVER, PICTURES, browser
from tests.cli.studies import SMALL
from tests.support.mlflow_tables import database


@pytest.fixture(scope="package")
def chromium():
    """Whoever needs a browser is skipped where there is none; in CI that fails."""
    if not (CHROMIUM.exists() and DRIVER.exists()) and os.environ.get("CI") != "true":
        pytest.skip("Debian's packages chromium and chromium-driver are not installed")


@pytest.fixture(scope="package")
def result(tmp_path_factory):
    """Of the study `small`, whose folder holds its file and its home."""
    folder = tmp_path_factory.mktemp("browsed")
    (folder / "small.yaml").write_text(SMALL)
    database(folder / "home")
    return run(folder / "small.yaml", folder / "home", lanes=local_lanes)


@pytest.fixture(scope="module")
def window(chromium, tmp_path_factory):
    """A browser that has kept nothing; pictures of what it shows go to PICTURES."""
    PICTURES.mkdir(exist_ok=True)
    with browser(tmp_path_factory.mktemp("profile")) as driver:
        driver.set_script_timeout(240)  # axe looks at every letter, and the machine may have other things to do
        yield driver
