"""What the searches chose: a strip along each hyperparameter's range, with its edges marked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slalom.report.page.drawing.canvas import (
    ROLES,
    WIDTH,
    Canvas,
    Plot,
    brief,
    colour,
    left_of,
    log_axis,
    mark,
    plain_axis,
    room,
)
from slalom.verdict.caveats import EDGE
from slalom.verdict.wording import short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from slalom.report.page.data.choices import ArmChoices, Chosen

ROW, TOP, BOTTOM = 28.0, 24.0, 28.0


def draw(chosen: Sequence[Chosen], places: Mapping[str, int]) -> list[Plot]:
    """A plot for each hyperparameter that is searched."""
    return [_draw(one, places, f"choices-{number}") for number, one in enumerate(chosen)]


def _draw(chosen: Chosen, places: Mapping[str, int], name: str) -> Plot:
    height, left = TOP + ROW * len(chosen.arms) + BOTTOM, left_of([arm.arm for arm in chosen.arms])
    canvas = Canvas(height)
    axes = canvas.axes(left, TOP, WIDTH - left - 16, height - TOP - BOTTOM)
    axes.set_ylim(len(chosen.arms) - 0.5, -0.5)
    axes.set_yticks(range(len(chosen.arms)), [brief(arm.arm) for arm in chosen.arms])
    axes.set_title(brief(chosen.name, 44), loc="left", fontweight="bold")
    axes.grid(axis="y", visible=False)
    if chosen.arms[0].options:
        _words(canvas, axes, chosen, places)
    else:
        _numbers(canvas, axes, chosen, places)
    return canvas.plot(name, f"What the searches chose of {chosen.name}", " ".join(map(about, chosen.arms)))


def _numbers(canvas: Canvas, axes: Axes, chosen: Chosen, places: Mapping[str, int]) -> None:
    ends = [end for arm in chosen.arms for end in (arm.low, arm.high)]
    if chosen.log:
        low, high = room([math.log(end) for end in ends], 0.04)
        log_axis(axes, "x", math.exp(low), math.exp(high))
    else:
        axes.set_xlim(*room(ends, 0.04))
        plain_axis(axes, "x")
    for row, arm in enumerate(chosen.arms):
        axes.plot([arm.low, arm.high], [row, row], "|-", color=ROLES["muted"], linewidth=1, markersize=12)
        for edge in _edges(arm.low, arm.high, log=chosen.log):
            axes.fill_betweenx([row - 0.36, row + 0.36], *edge, color=ROLES["grid"], linewidth=0)
        values = [float(value) for value in arm.values]
        (dots,) = axes.plot(
            values, [row] * len(values), mark(places[arm.arm]), color=colour(places[arm.arm]), alpha=0.75, markersize=6
        )
        canvas.tip(dots, about(arm))


def _edges(low: float, high: float, *, log: bool) -> list[tuple[float, float]]:
    """The parts of a range that count as its edges."""
    if log:
        share = (high / low) ** EDGE
        return [(low, low * share), (high / share, high)]
    return [(low, low + EDGE * (high - low)), (high - EDGE * (high - low), high)]


def _words(canvas: Canvas, axes: Axes, chosen: Chosen, places: Mapping[str, int]) -> None:
    """How often each option was chosen, as a number within a disc of that area."""
    options = list(dict.fromkeys(str(option) for arm in chosen.arms for option in arm.options))
    axes.set_xlim(-0.5, len(options) - 0.5)
    axes.set_xticks(range(len(options)), [brief(option, max(4, 40 // len(options))) for option in options])
    for row, arm in enumerate(chosen.arms):
        words = [str(value) for value in arm.values]
        for place, option in enumerate(options):
            often = words.count(option)
            if often:
                size = 5 + 15 * math.sqrt(often / len(words))
                (disc,) = axes.plot([place], [row], "o", color=colour(places[arm.arm]), alpha=0.35, markersize=size)
                axes.text(place, row, str(often), ha="center", va="center")
                canvas.tip(disc, f"{arm.arm}: {option} {often} of {len(words)}")


def about(arm: ArmChoices) -> str:
    """An arm's choices in a sentence."""
    if not arm.values:
        return f"{arm.arm}: no search completed a trial."
    if arm.options:
        words = [str(value) for value in arm.values]
        each = [f"{option} {words.count(str(option))}" for option in arm.options]
        return f"{arm.arm}: {', '.join(each)} of {len(words)} searches."
    numbers = sorted(float(value) for value in arm.values)
    middle = numbers[(len(numbers) - 1) // 2]
    edges = [f"{often} near the {end} end" for often, end in ((arm.at_low, "lower"), (arm.at_high, "upper")) if often]
    spread = f"median {short(middle)}, from {short(numbers[0])} to {short(numbers[-1])}"
    return f"{arm.arm}: {', '.join([spread, *edges])}, of the range {arm.low:g} to {arm.high:g}."
