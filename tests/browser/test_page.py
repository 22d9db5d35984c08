"""The pages of a study and of several in a browser: two widths, two schemes, by axe's rules, without a network."""

import base64

import pytest
from axe_core_python.selenium import Axe

from slalom.report.page.tasks_page import TasksPage
from slalom.verdict.tasks.several import several
from tests.browser.screenshot import PICTURES
from tests.report import pages, tasks_pages
from tests.verdict.tasks_made_up import table

NARROW, WIDE = 390, 1400


PAGES = {"report": pages.rich, "compare": tasks_pages.rich}
FOLDED = {"report": "The numbers: learning curves", "compare": "The numbers: pairs of arms"}


@pytest.fixture(scope="module", params=PAGES)
def page(request):
    return request.param


@pytest.fixture(scope="module")
def address(page, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / f"{page}.html"
    file.write_text(PAGES[page]().html())
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


def test_it_is_well_made_for_every_reader(window, page, opened):
    width, scheme = opened
    picture(window, f"{page}-{width}-{scheme}.png", width)
    window.execute_script("document.querySelectorAll('details').forEach(one => one.open = true)")
    wrong = Axe().run(window)["violations"]
    assert [(one["id"], one["nodes"][0]["html"], one["nodes"][0]["failureSummary"]) for one in wrong] == []
    assert window.execute_script("return document.documentElement.scrollWidth") <= width, "no part is wider"
    assert window.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert window.get_log("browser") == []


SMALL_OR_CUT = """
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
"""What gives the texts of plots that are too small to read, or stand out of their plot."""


def test_letters_in_plots_are_large_enough_and_within(window, opened):
    assert window.execute_script(SMALL_OR_CUT) == []


def test_names_of_wide_letters_are_within(window, tmp_path):
    names = ("momentum", "warm-up", "wwwwmmmmwwwwmmmmww", "sgd")
    page = TasksPage.of(several(table(tasks_pages.ROWS, names)))
    (tmp_path / "wide.html").write_text(page.html())
    window.get((tmp_path / "wide.html").as_uri())
    assert window.execute_script(SMALL_OR_CUT) == []


def test_the_colours_of_plots_follow_the_scheme(window, opened):
    _, scheme = opened
    text = window.execute_script("return getComputedStyle(document.querySelector('svg.plot text')).fill")
    dark_ink = sum(map(int, text.removeprefix("rgb(").rstrip(")").split(","))) < 3 * 128
    assert dark_ink == (scheme == "light")


def test_keys_reach_the_answer_and_the_numbers(window, page, address):
    window.get(address)
    names = window.execute_script(
        """
        const all = document.querySelectorAll('a[href], summary, [tabindex="0"]');
        return [...all].map(one => one.getAttribute('aria-label') || one.textContent);
        """
    )
    assert names[0] == "To the answer"
    assert any(name.startswith(FOLDED[page]) for name in names)
    assert all(name.strip() for name in names)


def test_it_prints(window, address):
    window.get(address)
    printed = base64.b64decode(window.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert printed.startswith(b"%PDF")
    assert 3 <= printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") <= 40
