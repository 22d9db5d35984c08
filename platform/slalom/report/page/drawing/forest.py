"""The forest plot: each arm's difference from the baseline, with its interval and the margin."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slalom.report.page.drawing.canvas import ROLES, WIDTH, Canvas, Plot, brief, colour, mark, plain_axis, room
from slalom.verdict.answers import Answer
from slalom.verdict.wording import equation, with_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from slalom.report.page.data.forest import Forest
    from slalom.verdict.answers import Comparison

ROW, TOP, BOTTOM, SIDE = 44.0, 10.0, 46.0, 14.0


def draw(forest: Forest, places: Mapping[str, int]) -> list[Plot]:
    """One plot, or none where nothing is compared; places: the number of each arm in the study."""
    if not forest.rows:
        return []
    height = TOP + ROW * len(forest.rows) + BOTTOM
    canvas = Canvas(height)
    axes = canvas.axes(SIDE, TOP, WIDTH - 2 * SIDE, height - TOP - BOTTOM)
    ends = [end for row in forest.rows for end in (row.mean, *row.interval)]
    margins = [] if forest.margin is None else [-forest.margin, forest.margin]
    axes.set_xlim(*room([0.0, *ends, *margins]))
    axes.set_ylim(len(forest.rows), 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", visible=False)
    plain_axis(axes, "x")
    if forest.margin is not None:
        axes.axvspan(-forest.margin, forest.margin, color=ROLES["grid"], alpha=0.6, linewidth=0)
    axes.axvline(0, color=ROLES["ink"], linewidth=1)
    for number, row in enumerate(forest.rows):
        _row(canvas, axes, number, row, places[row.arm])
    left, right = ("better", "worse") if forest.goal == "minimize" else ("worse", "better")
    side = axes.get_xaxis_transform()
    axes.text(axes.get_xlim()[0], -31 / (height - TOP - BOTTOM), f"← {left}", transform=side, ha="left", va="top")
    axes.text(axes.get_xlim()[1], -31 / (height - TOP - BOTTOM), f"{right} →", transform=side, ha="right", va="top")
    return [canvas.plot("forest", f"Difference of {forest.metric} from {forest.baseline}", _about(forest))]


def _row(canvas: Canvas, axes: Axes, number: int, row: Comparison, place: int) -> None:
    ends = axes.get_xlim()
    said = f"{row.arm}: {_said(row)}"
    over = {"facecolor": ROLES["surface"], "edgecolor": "none", "pad": 1.5}
    shown = with_bounds(row.mean, row.interval, "+")
    axes.text(ends[0], number + 0.34, brief(row.arm, 22), va="center", ha="left", fontweight="bold", bbox=over)
    axes.text(ends[1], number + 0.34, shown, va="center", ha="right", bbox=over)
    along = [end if math.isfinite(end) else limit for end, limit in zip(row.interval, ends, strict=True)]
    (line,) = axes.plot(along, [number + 0.72] * 2, color=colour(place), linewidth=2.5, solid_capstyle="butt")
    (point,) = axes.plot([row.mean], [number + 0.72], mark(place), color=colour(place), markersize=7)
    canvas.tip(line, said)
    canvas.tip(point, said)


def _said(row: Comparison) -> str:
    if row.answer is Answer.IDENTICAL:
        return "identical, every confirm training gave the same number"
    level = f"{100 * row.level:.3g} % interval"
    return f"{with_bounds(row.mean, row.interval, '+')} ({level}), {equation(row.p)}, {row.answer}"


def _about(forest: Forest) -> str:
    margin = "" if forest.margin is None else f" Within the margin of {forest.margin:g} arms count as equal."
    return (
        f"Arm minus {forest.baseline}; {'below' if forest.goal == 'minimize' else 'above'} zero is better. "
        + " ".join(f"{row.arm}: {_said(row)}." for row in forest.rows)
        + margin
    )
