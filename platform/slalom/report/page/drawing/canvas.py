"""Where the page's plots are drawn: matplotlib's figures in the colours of the page, and these as SVG within HTML.

A figure is as wide as a telephone shows at once, so that its letters are readable there; on a wide screen several stand
side by side. Colours are roles, such as "ink": in the SVG each is a variable of the page's style sheet, which knows the
reader's dark and light.
"""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

WIDTH = 360.0
"""The width of a figure, in pixels of a page that shows it in its own size."""

LETTERS = 11.0
"""The font size in a figure, in pixels."""

WIDE_LETTERS = frozenset("mwMW%@\N{HORIZONTAL ELLIPSIS}")

SERIES = 8
"""How many colours tell arms apart; further arms have the same colours, and other lines and marks."""

DASHES = ("solid", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)))
MARKS = ("o", "s", "^", "D", "v", "P", "X", "<")

ROLES = {"ink": "#010101", "muted": "#020202", "grid": "#030303", "surface": "#040404", "good": "#050505"}
ROLES |= {f"s{number}": f"#0a0b0{number}" for number in range(SERIES)}
"""What matplotlib is given in place of each colour of the page."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "slalom",
    "font.family": "sans-serif",
    "font.size": LETTERS,
    "axes.linewidth": 0.8,
    "axes.edgecolor": ROLES["muted"],
    "axes.labelcolor": ROLES["ink"],
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": LETTERS,
    "grid.color": ROLES["grid"],
    "grid.linewidth": 0.8,
    "xtick.color": ROLES["muted"],
    "ytick.color": ROLES["muted"],
    "xtick.labelcolor": ROLES["ink"],
    "ytick.labelcolor": ROLES["ink"],
    "text.color": ROLES["ink"],
    "lines.linewidth": 1.8,
}


@dataclass(frozen=True)
class Plot:
    """A plot as it stands in the page.

    name: unlike that of any other plot of the page
    title: what the plot shows; about: a description for readers who do not see it
    svg: the SVG element
    """

    name: str
    title: str
    about: str
    svg: str


def colour(arm: int) -> str:
    """The colour of the arm of that number in the study."""
    return ROLES[f"s{arm % SERIES}"]


def dash(arm: int) -> str | tuple[int, tuple[float, ...]]:
    """The line style of the arm of that number: with the colour it is the arm's own among 32 arms."""
    return DASHES[arm // SERIES % len(DASHES)]


def mark(arm: int) -> str:
    """The mark of the arm of that number."""
    return MARKS[arm % len(MARKS)]


def style() -> AbstractContextManager[None]:
    """Matplotlib's settings for the page's plots, all of which are drawn within this block."""
    return mpl.rc_context(STYLE)


class Canvas:
    """One figure, in which places are given in pixels from its upper left corner."""

    def __init__(self, height: float) -> None:
        self.height = height
        self._tips: list[str] = []
        self._figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72, facecolor="none")

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes whose frame is this rectangle."""
        place = (left / WIDTH, 1 - (top + height) / self.height, width / WIDTH, height / self.height)
        return self._figure.add_axes(place)

    def tip(self, artist: Artist, text: str) -> None:
        """Have the page show a text beside what is drawn, to who points at it."""
        artist.set_gid(f"tip-{len(self._tips)}")
        self._tips.append(text)

    def plot(self, name: str, title: str, about: str) -> Plot:
        """The figure as a plot of the page."""
        drawn = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        FigureCanvasSVG(self._figure).print_svg(drawn, metadata=nothing)
        inner = _inner(drawn.getvalue(), name, self._tips)
        svg = (
            f'<svg class="plot" viewBox="0 0 {WIDTH:g} {self.height:g}" role="img" '
            f'aria-labelledby="{name}-title {name}-about"><title id="{name}-title">{escape(title)}</title>'
            f'<desc id="{name}-about">{escape(about)}</desc>{inner}</svg>'
        )
        return Plot(name, title, about, svg)


def plain_axis(axes: Axes, which: str, most: int = 5, *, whole: bool = False) -> None:
    """At most so many round numbers at an axis, "x" or "y"; whole numbers alone where it counts."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    steps = [1, 2, 5, 10] if whole else [1, 2, 2.5, 5, 10]
    axis.set_major_locator(MaxNLocator(most, steps=steps, integer=whole))


def log_axis(axes: Axes, which: str, low: float, high: float, most: int = 5) -> None:
    """A logarithmic axis from low to high, with powers of ten at most at so many places."""
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)
    axis = axes.xaxis if which == "x" else axes.yaxis
    decades = math.log10(high / low)
    if decades >= 1:
        axis.set_major_locator(LogLocator(10, numticks=most + 1))
    else:
        ends = [low, math.sqrt(low * high), high]
        axis.set_ticks(ends, [f"{end:.2g}" for end in ends])
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    if decades >= 1:
        axis.set_major_formatter(lambda value, _: f"{value:g}")


def room(values: Iterable[float], share: float = 0.06) -> tuple[float, float]:
    """Ends of an axis that hold all finite values, with some room at each side."""
    finite = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    wide = (high - low) * share or abs(high) * share or 1.0
    return low - wide, high + wide


def brief(text: str, letters: int = 18) -> str:
    """A name, shortened to so many letters."""
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def left_of(names: Sequence[str]) -> float:
    """The pixels that these names need at the left of a plot, in any usual font: "m" is as wide as three "i"."""
    wide = [sum(10.8 if letter in WIDE_LETTERS else 6.4 for letter in brief(name)) for name in names]
    return 14 + max(wide, default=0.0)


def _inner(drawn: str, name: str, tips: Sequence[str]) -> str:
    """The content of matplotlib's SVG for a page with several: ids of the plot's own, no style sheet, few digits."""
    inner = drawn[drawn.index("<svg") :]
    inner = inner[inner.index(">") + 1 : inner.rindex("</svg>")]
    inner = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>", "", inner, flags=re.S)
    inner = inner.replace("xlink:href", "href")
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', inner))
    inner = re.sub(r'<g id="tip-(\d+)">', lambda found: f"<g><title>{escape(tips[int(found[1])])}</title>", inner)
    inner = re.sub(r' id="([^"]+)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", inner)
    inner = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", inner)
    inner = re.sub(r' (?:d|x|y|transform|width|height|points)="[^"]*"', _rounded, inner)
    inner = re.sub(r"font: (?:(\d+|bold) )?([\d.]+)px [^;\"]*", _font, inner)
    for role, stands_for in ROLES.items():
        inner = inner.replace(stands_for, f"var(--{role})")
    return re.sub(r"\s*\n\s*", "\n", inner).strip()


def _rounded(found: re.Match[str]) -> str:
    return re.sub(r"(\d+\.\d)\d+", r"\1", found[0]).replace("\n", " ")


def _font(found: re.Match[str]) -> str:
    weight = f"; font-weight: {found[1]}" if found[1] else ""
    return f"font-size: {found[2]}px{weight}"
