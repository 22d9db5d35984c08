"""The page of a study in a real browser: at two widths, in two schemes, by axe's rules, and without a network."""

import base64
import os
from pathlib import Path

import pytest
from axe_core_python.selenium import Axe

from tests.browser.screenshot import CHROMIUM, DRIVER, browser
from tests.report.pages import rich

PICTURES = Path(__file__).parents[2] / "test-output"

if not (CHROMIUM.exists() and DRIVER.exists()) and os.environ.get("CI") != "true":
    pytest.skip("Debian's packages chromium and chromium-driver are not installed", allow_module_level=True)

NARROW, WIDE = 390, 1400


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    PICTURES.mkdir(exist_ok=True)
    with browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(rich().html())
    return file.as_uri()


@pytest.fixture(params=[(width, scheme) for width in (NARROW, WIDE) for scheme in ("light", "dark")], ids=str)
def opened(request, window, address):
    """The page at a width and in a scheme; gives both."""
    width, scheme = request.param
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == NARROW}
    window.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = [{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}]
    window.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    window.get(address)
    return width, scheme


def picture(window, name, width):
    height = window.execute_script("return document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    taken = window.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    (PICTURES / name).write_bytes(base64.b64decode(taken["data"]))


def test_it_is_well_made_for_every_reader(window, opened):
    width, scheme = opened
    picture(window, f"report-{width}-{scheme}.png", width)
    window.execute_script("document.querySelectorAll('details').forEach(one => one.open = true)")
    wrong = Axe().run(window)["violations"]
    assert [(one["id"], one["nodes"][0]["html"], one["nodes"][0]["failureSummary"]) for one in wrong] == []
    assert window.execute_script("return document.documentElement.scrollWidth") <= width, "no part is wider"
    assert window.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert window.get_log("browser") == []


def test_letters_in_plots_are_large_enough_and_within(window, opened):
    small = window.execute_script(
        """
        return [...document.querySelectorAll('svg.plot')].flatMap(plot => {
          const frame = plot.getBoundingClientRect();
          return [...plot.querySelectorAll('text')].filter(text => {
            const box = text.getBoundingClientRect();
            const scale = frame.width / plot.viewBox.baseVal.width;
            const letters = scale * parseFloat(getComputedStyle(text).fontSize);
            return letters < 10.5 || box.left < frame.left - 1 || box.right > frame.right + 1;
          }).map(text => plot.querySelector('title').textContent + ': ' + text.textContent);
        });
        """
    )
    assert small == []


def test_the_colours_of_plots_follow_the_scheme(window, opened):
    _, scheme = opened
    text = window.execute_script("return getComputedStyle(document.querySelector('svg.plot text')).fill")
    dark_ink = sum(map(int, text.removeprefix("rgb(").rstrip(")").split(","))) < 3 * 128
    assert dark_ink == (scheme == "light")


def test_keys_reach_the_answer_and_the_numbers(window, address):
    window.get(address)
    names = window.execute_script(
        """
        const all = document.querySelectorAll('a[href], summary, [tabindex="0"]');
        return [...all].map(one => one.getAttribute('aria-label') || one.textContent);
        """
    )
    assert names[0] == "To the answer"
    assert any(name.startswith("The numbers: learning curves") for name in names)
    assert all(name.strip() for name in names)


def test_it_prints(window, address):
    window.get(address)
    printed = base64.b64decode(window.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert printed.startswith(b"%PDF")
    assert 3 <= printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") <= 40
