"""Pages of studies that nobody trained, with every part that a page can have, and what stands in a page's HTML."""

import io
import json
import re
from html.parser import HTMLParser

import numpy as np
from PIL import Image

from slalom.report.page.data.on_record import Decision, FirstLayer, NightPoint, OnRecord, Trend
from slalom.report.page.page import Page
from slalom.verdict.compare import summarise
from slalom.verdict.summary import State
from tests.loop.worlds import MIXED, RATE, Nature, one_lane, study, train

ARMS = ("constant", "rising", "an arm of a <long> & winding name")
COMMIT = "0123456789" * 4
VERSIONS = ({"code": "0123456789ab", "commit": COMMIT, "python": "3.11.7", "torch": "2.13.0"},)


def on_record():
    picture = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(picture, "png")
    layers = tuple(FirstLayer(arm, picture.getvalue(), picture.getvalue(), 0.5, 0.25) for arm in ARMS[:2])
    nights = tuple(NightPoint(f"2026-11-{day} 03:00", 0.001 * day, 0.02, "equivalent") for day in range(10, 20))
    xs, ys = np.linspace(-2, 4, 12), np.linspace(-2, 3, 10)
    said = tuple(tuple((1 / (1 + np.exp(x - y))).item() for x in xs) for y in ys)
    points = tuple((float(x), 0.5, int(x < 1)) for x in xs)
    decision = Decision(ARMS[0], 2, xs.tolist(), ys.tolist(), said, None, said, points, 3 * len(points))
    return OnRecord(layers, (decision,), (Trend(ARMS[1], "test error", nights), Trend(ARMS[0], "cost", nights[:1])))


def diverging(trial):
    """Some confirm and tuning trainings of the second arm diverge."""
    return 2 if trial.id.arm == ARMS[1] and trial.id.number == 1 else None


def trained():
    """A study of three arms, one of which diverges now and then: how it stands, and every trial of it."""
    space = {ARMS[0]: RATE, ARMS[1]: MIXED, ARMS[2]: {}}
    spec = study(ARMS, space, searches=6, seeds=2, trials=16, pruner="none", margin=0.02)
    ended = train(spec, lanes=one_lane(Nature(diverges=diverging))).ended()
    return spec, summarise(spec, ended, State.COMPLETE), ended


def rich():
    """The page of that study, with every part but ensembles."""
    spec, summary, ended = trained()
    return Page.of(spec, summary, ended, VERSIONS, on_record())


def begun():
    """A page of a study of which nothing has ended."""
    spec = study()
    return Page.of(spec, summarise(spec, {}, State.RUNNING), {}, (), OnRecord())


class Shown(HTMLParser):
    """What stands in a page.

    numbers: (place, value, text) of each `<data>`; texts: (place, text) of what has a place and is no number
    starts: (tag, attributes) of every element
    """

    def __init__(self, html):
        super().__init__()
        self.numbers, self.texts, self.starts = [], [], []
        self._open = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.starts.append((tag, attributes))
        if "data-at" in attributes:
            self._open = (tag, attributes["data-at"], attributes.get("value"))

    def handle_data(self, data):
        if self._open:
            tag, place, value = self._open
            (self.numbers if tag == "data" else self.texts).append((place, *([value] if tag == "data" else []), data))
            self._open = None


def at(found, place):
    """What stands at a place of the object that `slalom report --format json` prints."""
    path, _, name = place.partition("#")
    for part in [*path.split("."), *([name] if name else [])]:
        found = found[int(part)] if isinstance(found, list) else found[part]
    return found


def sections(html):
    """The names of a page's parts, in their order."""
    return re.findall(r'<section id="([^"]+)"', html)


def check_numbers(page, html, least):
    """Every number and text of the page is that of the page's object at its place; there are at least so many."""
    shown = Shown(html)
    found = json.loads(json.dumps(page.json, allow_nan=False))
    assert len(shown.numbers) > least
    assert [place for place, value, _ in shown.numbers if at(found, place) != json.loads(value)] == []
    assert [place for place, text in shown.texts if str(at(found, place)) != text] == []


def check_whole(html):
    """The page needs nothing but itself: no script, no address outside it, no name twice, no colour of its own."""
    starts = Shown(html).starts
    assert not {tag for tag, _ in starts} & {"script", "link", "iframe", "object", "embed"}
    addresses = [value for _, attributes in starts for name, value in attributes.items() if name in ("src", "href")]
    assert [address for address in addresses if not address.startswith(("#", "data:image/png;base64,"))] == []
    assert "url(http" not in html
    assert "@import" not in html
    names = [attributes["id"] for _, attributes in starts if "id" in attributes]
    assert len(set(names)) == len(names)
    drawn = "".join(re.findall(r"<svg.*?</svg>", html, re.DOTALL))
    assert re.findall(r"#[0-9a-f]{6}\b", drawn) == []
    assert set(re.findall(r"var\(--(\w+)\)", drawn)) <= set(re.findall(r"--(\w+): ", html))
