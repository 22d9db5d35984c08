"""A finished study in the MLflow browser, as a picture:

python tests/browser/screenshot.py HOME OUT.png [STUDY]
"""

import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")

PICTURES = Path(__file__).parents[2] / "test-output"
"""Where tests leave pictures of what they saw."""

QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1600,1000",
)

# Pages are looked at in 1600 x 900; the picture is as wide, with room for a verdict and eight arms.
PAGE = {"width": 1600, "height": 900, "deviceScaleFactor": 1, "mobile": False}
PICTURE = {"width": 1920, "height": 1350, "deviceScaleFactor": 1600 / 1920, "mobile": False}

# MLflow's own names of its buttons
DESCRIPTION_UNFOLD = "[data-component-id='mlflow.experiment.metadata_editor.expand_button']"
RUN = ".ag-row a[href*='/runs/']"
CELL = ".ag-cell"


@contextmanager
def served(home, seconds=240):
    """What `slalom ui` on a home prints: the address of each study's page, by the study's name."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "slalom.cli", "ui", "--home", str(home), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as ui:
        try:
            yield dict(line.strip().split(": ", 1) for line in iter(ui.stdout.readline, "Ctrl-C stops the server.\n"))
        finally:
            ui.terminate()
            ui.wait(seconds)


@contextmanager
def browser(profile):
    """Headless Chromium with its profile in a folder that is new."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in (*QUIET, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    try:
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PAGE)
        yield driver
    finally:
        driver.quit()


def shown(driver, selector, holds=lambda element: True, seconds=160):
    """The first element of a CSS selector that is displayed and for which something holds, once there is one."""

    def find(_):
        found = driver.find_elements(By.CSS_SELECTOR, selector)
        return next((element for element in found if element.is_displayed() and holds(element)), None)

    return WebDriverWait(driver, seconds, 0.1, [StaleElementReferenceException]).until(find)


def press(driver, selector, works, tries=5):
    """Click what a selector finds until something holds: a page that is still being drawn loses clicks."""
    for _ in range(tries):
        driver.execute_script("arguments[0].click()", shown(driver, selector))
        try:
            return WebDriverWait(driver, 5, 0.1, [StaleElementReferenceException]).until(lambda _: works())
        except TimeoutException:
            continue
    raise TimeoutException(f"clicking {selector} has no effect")


def first_visit(driver, page):
    """MLflow's start page, in a browser that has kept nothing of an earlier visit; gives its address."""
    server = page.partition("/#")[0]
    driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": server, "storageTypes": "local_storage"})
    driver.get(f"{server}/")
    return server


def open_conclusions(driver, page):
    """The experiment's page: the newest study with its arms beneath it, and the whole description."""
    first_visit(driver, page)
    driver.get(page)
    shown(driver, RUN)
    press(driver, DESCRIPTION_UNFOLD, lambda: driver.find_elements(By.XPATH, "//th[.='P(better)']"))


def take(driver, page, picture):
    """Take the picture: the verdict, the study, and its arms with their numbers."""
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PICTURE)
    open_conclusions(driver, page)
    driver.save_screenshot(picture)


def main(home, picture, study=None):
    """Serve a home, and take the picture of a study, or of the one that `slalom ui` names first."""
    with served(home) as studies, tempfile.TemporaryDirectory() as profile, browser(profile) as window:
        take(window, studies[study or next(iter(studies))], picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
