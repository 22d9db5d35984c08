"""The nights of the regression gate: how far each was from the baseline, within its margin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.report.page.drawing.canvas import ROLES, WIDTH, Canvas, Plot, brief, colour, plain_axis, room
from slalom.verdict.wording import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.report.page.data.on_record import Trend

HEIGHT, LEFT, TOP, BOTTOM = 140.0, 58.0, 24.0, 40.0


def draw(trends: Sequence[Trend], places: Mapping[str, int]) -> list[Plot]:
    """A plot for each arm's metric."""
    return [_draw(trend, places[trend.arm], f"nights-{number}") for number, trend in enumerate(trends)]


def _draw(trend: Trend, place: int, name: str) -> Plot:
    canvas = Canvas(HEIGHT)
    axes = canvas.axes(LEFT, TOP, WIDTH - LEFT - 12, HEIGHT - TOP - BOTTOM)
    numbers = range(1, len(trend.nights) + 1)
    margins = [night.margin for night in trend.nights]
    axes.set_title(brief(f"{trend.arm}, {trend.metric}", 44), loc="left", fontweight="bold")
    axes.set_xlabel("night")
    axes.set_xlim(0.5, len(trend.nights) + 0.5)
    axes.set_ylim(*room([*margins, *(-margin for margin in margins), *(night.difference for night in trend.nights)]))
    plain_axis(axes, "x", whole=True)
    plain_axis(axes, "y", 3)
    axes.bar(numbers, [2 * margin for margin in margins], 1.0, [-margin for margin in margins], color=ROLES["grid"])
    axes.axhline(0, color=ROLES["ink"], linewidth=1)
    for number, night in zip(numbers, trend.nights, strict=True):
        is_bad = night.answer == "regressed"
        (dot,) = axes.plot([number], [night.difference], "X" if is_bad else "o", color=colour(place), markersize=6)
        canvas.tip(dot, f"{night.date}: {night.difference:+.3g}, {night.answer}")
    last = trend.nights[-1]
    about = (
        f"{count(len(trend.nights), 'night')} against the baseline; the last, of {last.date}, differs by "
        f"{last.difference:+.3g} with a margin of {last.margin:.3g}: {last.answer}."
    )
    return canvas.plot(name, f"Regression nights of {trend.arm}, {trend.metric}", about)
