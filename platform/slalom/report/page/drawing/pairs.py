"""Each search's value in every arm, as dots that a line joins: what the paired test sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from slalom.verdict.wording import count, short

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.report.page.data.pairs import Pairs

ROW, TOP, BOTTOM = 38.0, 6.0, 42.0
MOST_LINES = 60
"""Units of which a line is drawn; of more the dots alone are."""


def draw(pairs: Pairs, places: Mapping[str, int]) -> list[Plot]:
    """One plot, a row for each arm; none where no arm is confirmed."""
    if not pairs.arms:
        return []
    height, left = TOP + ROW * len(pairs.arms) + BOTTOM, left_of([arm.arm for arm in pairs.arms])
    canvas = Canvas(height)
    axes = canvas.axes(left, TOP, WIDTH - left - 12, height - TOP - BOTTOM)
    axes.set_xlim(*room([value for arm in pairs.arms for value in arm.values]))
    axes.set_ylim(len(pairs.arms) - 0.5, -0.5)
    axes.set_yticks(range(len(pairs.arms)), [brief(arm.arm) for arm in pairs.arms])
    axes.set_xlabel(pairs.metric)
    axes.grid(axis="y", visible=False)
    plain_axis(axes, "x")
    units = max(len(arm.values) for arm in pairs.arms)
    for unit in range(units if units <= MOST_LINES else 0):
        there = [(arm, row) for row, arm in enumerate(pairs.arms) if unit < len(arm.values)]
        (line,) = axes.plot(
            [arm.values[unit] for arm, _ in there], [row for _, row in there], color=ROLES["muted"], linewidth=0.7
        )
        each = ", ".join(f"{arm.arm} {short(arm.values[unit])}" for arm, _ in there)
        canvas.tip(line, f"{pairs.noun[:-1] if pairs.noun == 'seeds' else 'search'} {unit}: {each}")
    for row, arm in enumerate(pairs.arms):
        ink = colour(places[arm.arm])
        axes.plot(
            arm.values, [row] * len(arm.values), mark(places[arm.arm]), color=ink, markersize=5, alpha=0.85, linewidth=0
        )
        axes.plot([arm.mean] * 2, [row - 0.32, row + 0.32], color=ink, linewidth=3)
    return [canvas.plot("pairs", f"{pairs.metric} of each of the {pairs.noun}", _about(pairs))]


def _about(pairs: Pairs) -> str:
    units = max(len(arm.values) for arm in pairs.arms)
    each = [
        f"{arm.arm} from {short(min(arm.values))} to {short(max(arm.values))}, mean {short(arm.mean)}"
        for arm in pairs.arms
    ]
    noun = count(units, pairs.noun.removesuffix("es") if pairs.noun == "searches" else "seed", pairs.noun)
    return f"A dot for each of {noun}, a line for the same one in every arm, a bar for the mean: {'; '.join(each)}."
