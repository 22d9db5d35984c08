"""The records as a person meets them: MLflow's pages of a finished study, in a real browser."""

import json
from urllib.request import Request, urlopen

import pytest
from selenium.webdriver.support.ui import WebDriverWait

from slalom.report.tables import result_row
from tests.browser.screenshot import (
    CELL,
    PAGE,
    PICTURES,
    RUN,
    first_visit,
    open_conclusions,
    press,
    served,
    shown,
    take,
)


@pytest.fixture(scope="module")
def page(result):
    """The address that `slalom ui` prints for the study, while it serves."""
    with served(result.home.folder) as studies:
        assert list(studies) == ["small"]
        yield studies["small"]


def run_of(page, condition):
    """The address of the page of a run that MLflow finds."""
    server, _, path = page.partition("/#/experiments/")
    experiment = path.split("/")[0]
    request = Request(
        f"{server}/api/2.0/mlflow/runs/search",
        json.dumps({"experiment_ids": [experiment], "filter": condition}).encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(request, timeout=120) as answer:
        run = json.load(answer)["runs"][0]
    return f"{server}/#/experiments/{experiment}/runs/{run['info']['run_id']}"


def visit(window, address):
    window.get(address)
    shown(window, "main, #root")


class Clicks:
    """A person with a mouse, who follows links by their text; counts the clicks."""

    def __init__(self, window):
        self.window = window
        self.count = 0

    def follow(self, text, selector="a"):
        """Click the link, and look at the page that opens, in whichever tab it does."""
        window, before = self.window, self.window.current_url
        link = shown(window, selector, lambda link: link.text.strip() == text)
        window.execute_script("arguments[0].click()", link)
        self.count += 1
        WebDriverWait(window, 40).until(lambda _: len(window.window_handles) > 1 or window.current_url != before)
        if len(window.window_handles) > 1:
            window.close()
            window.switch_to.window(window.window_handles[0])
            window.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PAGE)


def test_who_won_is_two_clicks_from_the_start_page_and_the_curve_three(result, page, window):
    person = Clicks(window)
    first_visit(window, page)
    person.follow("small")
    won = result.verdict.winner
    said = f"{won} wins: test error" if won else "No arm wins; "
    assert shown(window, "p", lambda text: text.text.startswith(said)), "after one click"
    person.follow("small", RUN)
    assert person.count == 2
    answer = shown(window, "p", lambda text: text.text.startswith(said)).text
    assert " p = " in answer or " p < " in answer, "how sure"
    assert "[" in answer, "by how much"
    assert shown(window, "strong", lambda strong: strong.text == result.verdict.sentence)
    window.save_screenshot(PICTURES / "answer.png")
    best = answer.rpartition("Mean curve of ")[2]
    person.follow(f"Mean curve of {best}")
    assert person.count == 3
    text = shown(window, "body", lambda body: "curves/validation.error" in body.text).text
    assert "curves/train.error" not in text, "measured at the end alone, it is no curve"
    line = shown(window, ".js-plotly-plot .scatterlayer path.js-line", lambda path: len(corners(path)) == 4)
    assert len({x for x, _ in corners(line)}) == 4
    window.save_screenshot(PICTURES / "mean-curve.png")


def test_the_experiment_shows_the_study_its_arms_and_the_verdict(result, page, window):
    open_conclusions(window, page)
    names = [link.text for link in window.find_elements("css selector", RUN)]
    assert names == ["small", "sgd", "adam"], "the study on top, its arms in their order, and no trial"
    cells = [cell.text for cell in window.find_elements("css selector", CELL)]
    assert {"baseline", *result_row(result.spec, result.arms[1])[1:]} <= {*cells}
    assert shown(window, "strong", lambda strong: strong.text == result.verdict.sentence)
    header = [cell.text for cell in window.find_elements("css selector", "th")]
    assert header[:5] == ["arm", "test error", "difference", "p (Holm)", "P(better)"]
    window.save_screenshot(PICTURES / "experiment.png")


def test_the_page_of_the_study_begins_with_the_verdict(result, page, window):
    visit(window, run_of(page, "tags.`slalom.kind` = 'study'"))
    assert shown(window, "strong", lambda strong: strong.text == result.verdict.sentence)
    shown(window, "a[href*='/runs/']", lambda link: link.text.strip(", ") == "adam")
    children = [link.text.strip(", ") for link in window.find_elements("css selector", "a[href*='/runs/']")]
    assert [name for name in children if name in ("sgd", "adam")] == ["sgd", "adam"]
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


def test_arms_are_compared_by_their_mean_curves(page, window):
    first_visit(window, page)
    window.get(f"{page}&compareRunsMode=CHART")
    shown(window, "body", lambda body: "curves/validation.error" in body.text)

    def drawn(plot):
        lines = plot.find_elements("css selector", ".scatterlayer path.js-line")
        return sum(len(corners(line)) == 4 for line in lines) == 2

    assert shown(window, ".js-plotly-plot", drawn), "both arms, on the same axes"
    window.save_screenshot(PICTURES / "arms.png")


def tick(window, name):
    """Tick the box of a run in the list."""
    row = shown(window, RUN, lambda link: link.text == name).find_element("xpath", "./ancestor::*[@row-index]")
    box = f".ag-row[row-index='{row.get_attribute('row-index')}'] .ag-selection-checkbox input"  # not shown itself
    window.execute_script("arguments[0].click()", window.find_element("css selector", box))
    WebDriverWait(window, 60).until(lambda window: window.find_element("css selector", box).is_selected())


def test_two_arms_are_compared_side_by_side(result, page, window):
    first_visit(window, page)
    window.get(page)
    for arm in ("sgd", "adam"):
        tick(window, arm)
    window.get_log("browser")  # what was said before
    press(window, "[data-testid='runs-compare-button']", lambda: "/compare-runs" in window.current_url)
    text = shown(window, "body", lambda body: "confirm.mean" in body.text).text
    rows = window.find_elements("xpath", "//tr[th='optimizer']")
    assert [[cell.text for cell in row.find_elements("tag name", "td")] for row in rows] == [["sgd", "adam"]]
    assert [arm.arm for arm in result.arms if f"\n{arm.confirm.mean:.3f}\n" not in text] == []
    assert [one for one in window.get_log("browser") if one["level"] == "SEVERE"] == []
    window.save_screenshot(PICTURES / "compared.png")


def test_the_picture_for_the_readme(page, window):
    picture = PICTURES / "readme.png"
    take(window, page, str(picture))
    assert "slalom.difference" in shown(window, "body").text
    width, height = (int.from_bytes(picture.read_bytes()[start : start + 4]) for start in (16, 20))
    assert (width, height) == (1600, 1125)
