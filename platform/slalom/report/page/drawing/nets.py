"""What nets do: ensembles against their members, filters' edges, and decisions over the plane."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slalom.errors import listing
from slalom.report.page.drawing.canvas import (
    ROLES,
    WIDTH,
    Canvas,
    Plot,
    brief,
    colour,
    left_of,
    mark,
    plain_axis,
    room,
)
from slalom.verdict.wording import short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from slalom.report.page.data.ensembles import Ensembles
    from slalom.report.page.data.on_record import Decision, FirstLayer

ROW, TOP, BOTTOM = 30.0, 8.0, 42.0
SQUARE = 300.0
POINTS = ("o", "^", "s", "D", "v", "P", "X", "<")
"""The marks of classes, beside their colours."""


def draw_ensembles(ensembles: Ensembles, places: Mapping[str, int]) -> list[Plot]:
    """One plot; none where no arm trains several nets."""
    rows = [(arm.arm, arm.member, arm.joint) for arm in ensembles.arms]
    about = "; ".join(f"{arm}: each alone {short(one)}, together {short(all_)}" for arm, one, all_ in rows)
    title = f"Test {ensembles.metric} of nets alone and together"
    return _from_to("ensembles", title, f"{about}.", f"test {ensembles.metric}", rows, places)


def draw_edges(layers: Sequence[FirstLayer], places: Mapping[str, int]) -> list[Plot]:
    """One plot; none where no kept net has a convolution first."""
    rows = [(layer.arm, layer.initial_orientation, layer.orientation) for layer in layers]
    about = "; ".join(f"{arm}: from {short(before)} to {short(after)}" for arm, before, after in rows)
    title = "How much of the filters' edges has one direction, before and after training"
    return _from_to("edges", title, f"{about}.", "share of edge energy in one direction", rows, places)


def _from_to(
    name: str, title: str, about: str, unit: str, rows: Sequence[tuple[str, float, float]], places: Mapping[str, int]
) -> list[Plot]:
    """A row for each arm: a hollow mark, an arrow and a full mark."""
    if not rows:
        return []
    height, left = TOP + ROW * len(rows) + BOTTOM, left_of([arm for arm, _, _ in rows])
    canvas = Canvas(height)
    axes = canvas.axes(left, TOP, WIDTH - left - 16, height - TOP - BOTTOM)
    axes.set_xlim(*room([value for _, *values in rows for value in values], 0.12))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [brief(arm) for arm, _, _ in rows])
    axes.set_xlabel(unit)
    axes.grid(axis="y", visible=False)
    plain_axis(axes, "x", 4)
    for row, (arm, before, after) in enumerate(rows):
        ink = colour(places[arm])
        axes.plot([before, after], [row, row], color=ink, linewidth=1.2)
        axes.plot([before], [row], mark(places[arm]), color=ink, markerfacecolor=ROLES["surface"], markersize=7)
        axes.plot([after], [row], mark(places[arm]), color=ink, markersize=7)
    return [canvas.plot(name, title, about)]


def draw_decisions(decisions: Sequence[Decision], places: Mapping[str, int]) -> list[Plot]:
    """A plot for each arm's kept net: its training points, its boundary, and the best one where it is known."""
    return [_decision(arm, places[arm.arm]) for arm in decisions]


def _decision(arm: Decision, place: int) -> Plot:
    canvas = Canvas(SQUARE + 56)
    axes = canvas.axes(40, 24, WIDTH - 52, SQUARE)
    axes.set_xlim(arm.xs[0], arm.xs[-1])
    axes.set_ylim(arm.ys[0], arm.ys[-1])
    axes.set_title(brief(arm.arm, 40), loc="left", fontweight="bold")
    shown = _lines(axes, arm) if arm.likeliest is None else _regions(axes, arm, arm.likeliest)
    for label in range(arm.classes):
        points = [(x, y) for x, y, found in arm.points if found == label]
        if points:
            ink, one = colour(label), POINTS[label % len(POINTS)]
            axes.plot(*zip(*points, strict=True), one, color=ink, markersize=3, alpha=0.6, markeredgewidth=0)
    about = f"{_of_all(arm)} training points of {_number(arm.classes)} classes; {shown}."
    return canvas.plot(f"plane-{place}", f"Decision boundary of {arm.arm}", about)


def _lines(axes: Axes, arm: Decision) -> str:
    """Draw the line along which two classes are equally likely; returns in words what is drawn."""
    if arm.best:
        best = _numbers(arm.best)
        axes.contour(arm.xs, arm.ys, best, [0.5], colors=ROLES["muted"], linestyles="dashed", linewidths=1.4)
    axes.contour(arm.xs, arm.ys, _numbers(arm.probability or []), [0.5], colors=ROLES["ink"], linewidths=1.8)
    besides = ", the dashed one the best that there is" if arm.best else ""
    return f"the full line is where the kept net of {arm.arm} finds both classes equally likely{besides}"


def _regions(axes: Axes, arm: Decision, likeliest: Sequence[Sequence[int]]) -> str:
    """Draw the region of each of more than two classes, in its colour; returns in words the share of each."""
    places = [label for row in likeliest for label in row]
    shares = []
    for label in sorted(set(places)):
        inside = [[float(found == label) for found in row] for row in likeliest]
        axes.contourf(arm.xs, arm.ys, inside, [0.5, 1.5], colors=[colour(label)], alpha=0.22)
        axes.contour(arm.xs, arm.ys, inside, [0.5], colors=ROLES["ink"], linewidths=0.9)
        shares.append(f"class {label} on {places.count(label) / len(places):.0%}")
    return f"the kept net of {arm.arm} finds most likely, of the plane that is shown, {listing(shares)}"


def _numbers(probabilities: Sequence[Sequence[float | None]]) -> list[list[float]]:
    """Probabilities with NaN where there is none, at which no line is drawn."""
    return [[math.nan if one is None else one for one in row] for row in probabilities]


def _of_all(arm: Decision) -> str:
    return f"{arm.trained}" if len(arm.points) == arm.trained else f"{len(arm.points)} of {arm.trained}"


def _number(classes: int) -> str:
    return "two" if classes == 2 else str(classes)
