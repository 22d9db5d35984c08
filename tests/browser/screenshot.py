"""A finished study in the MLflow browser, as a picture:  python tests/browser/screenshot.py HOME OUT.png"""

import socket
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as until
from selenium.webdriver.support.ui import WebDriverWait

from slalom.home import Home
from slalom.records.on_mlflow import pages, serve

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")

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


@contextmanager
def browser():
    """Headless Chromium with a fresh profile."""
    with tempfile.TemporaryDirectory() as profile:
        options = webdriver.ChromeOptions()
        for argument in (*QUIET, f"--user-data-dir={profile}"):
            options.add_argument(argument)
        driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
        try:
            yield driver
        finally:
            driver.quit()


@contextmanager
def served(home):
    """A home's records behind MLflow's browser: every study's name and page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serve(Home(Path(home)), "127.0.0.1", port):
        yield dict(pages("127.0.0.1", port))


def shown(driver, path, seconds=40):
    """The first element that the XPath finds, once it is drawn."""
    return WebDriverWait(driver, seconds).until(until.visibility_of_element_located((By.XPATH, path)))


def open_conclusions(driver, page, study):
    """The experiment's page with the study's arms unfolded, without the assistant beside it."""
    driver.get(page)
    link = f"//a[normalize-space()='{study}' and contains(@href, '/runs/')]"
    shown(driver, link)
    for button in driver.find_elements(By.XPATH, "//button[@aria-label='Close']"):
        button.click()
    cell = f"{link}/ancestor::*[@role='gridcell'][1]"
    marks = f"{cell}//button | {cell}//span[@role='img']"
    # The page draws its rows again while it loads, so a mark is found anew for every try.
    for number in range(1, 1 + len(driver.find_elements(By.XPATH, marks))):
        mark = f"({marks})[{number}]"
        click = "document.evaluate(arguments[0], document, null, 9, null).singleNodeValue.dispatchEvent("
        driver.execute_script(f"{click}new MouseEvent('click', {{bubbles: true}}))", mark)
        if _unfolded(driver):
            return
    raise TimeoutException(f"no arms are shown below {study}")


def _unfolded(driver):
    try:
        shown(driver, "(//*[contains(@class, 'ag-row')]//a[contains(@href, '/runs/')])[2]", 4)
    except TimeoutException:
        return False
    return True


if __name__ == "__main__":
    with served(sys.argv[1]) as studies, browser() as window:
        name, address = next(iter(studies.items()))
        open_conclusions(window, address, name)
        window.save_screenshot(sys.argv[2])
