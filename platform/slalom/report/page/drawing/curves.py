"""Learning curves, a plot for each arm: validation with its band, training, and the test value at the end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slalom.report.page.drawing.canvas import ROLES, WIDTH, Canvas, Plot, brief, colour, mark, plain_axis, room
from slalom.verdict.wording import bounds, short, with_bounds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matplotlib.axes import Axes

    from slalom.report.page.data.curves import ArmCurves, Curve, Curves

HEIGHT, LEFT, TOP, BOTTOM = 210.0, 50.0, 24.0, 42.0
FAINT = 0.3
"""How strongly the line of a single search is drawn."""


def draw(curves: Curves, places: Mapping[str, int], baseline: str) -> list[Plot]:
    """A plot for each arm with a curve, all on one scale; the baseline's validation curve is in each of them."""
    arms = [arm for arm in curves.arms if arm.validation or arm.training]
    scale = room([value for arm in arms for value in _values(arm)])
    against = next((arm.validation for arm in arms if arm.arm == baseline), None)
    return [
        _draw(curves, arm, places[arm.arm], scale, None if arm.arm == baseline else against, baseline) for arm in arms
    ]


def _values(arm: ArmCurves) -> Iterator[float]:
    """The values that the axis must hold; ends of bands that are not known are infinite."""
    yield from (arm.test, *arm.test_interval)
    for one in filter(None, (arm.training, arm.validation)):
        yield from one.mean
        yield from (end for band in one.band for end in band)


def _draw(
    curves: Curves, arm: ArmCurves, place: int, scale: tuple[float, float], against: Curve | None, baseline: str
) -> Plot:
    canvas = Canvas(HEIGHT)
    axes = canvas.axes(LEFT, TOP, WIDTH - LEFT - 12, HEIGHT - TOP - BOTTOM)
    axes.set_ylim(*scale)
    axes.set_title(brief(arm.arm, 40), loc="left", fontweight="bold")
    axes.set_xlabel("epoch")
    plain_axis(axes, "x", whole=True)
    plain_axis(axes, "y")
    if against:
        (line,) = axes.plot(against.epochs, against.mean, color=ROLES["muted"], linewidth=1)
        canvas.tip(line, f"{baseline}, validation {curves.metric}")
    if arm.training:
        (line,) = axes.plot(arm.training.epochs, arm.training.mean, color=colour(place), dashes=(1, 1.5), linewidth=1.4)
        canvas.tip(line, f"{arm.arm}, training {curves.metric}")
    if arm.validation:
        _with_band(canvas, axes, arm.validation, colour(place), f"{arm.arm}, validation {curves.metric}")
    low, high = (
        end if math.isfinite(end) else limit for end, limit in zip(arm.test_interval, axes.get_ylim(), strict=True)
    )
    test = axes.errorbar(
        [curves.epochs],
        [arm.test],
        yerr=[[max(0.0, arm.test - low)], [max(0.0, high - arm.test)]],
        fmt=mark(place),
        color=ROLES["ink"],
        markerfacecolor=ROLES["surface"],
        markersize=6,
        elinewidth=1.4,
        clip_on=False,
    )
    canvas.tip(test[0], f"{arm.arm}, test {curves.metric} {with_bounds(arm.test, arm.test_interval)}")
    return canvas.plot(f"curves-{place}", f"Learning curve of {arm.arm}", _about(curves, arm))


def _with_band(canvas: Canvas, axes: Axes, curve: Curve, ink: str, said: str) -> None:
    """The mean with its band, or with the single searches where there are too few of them for a band."""
    known = [
        (epoch, band)
        for epoch, band in zip(curve.epochs, curve.band, strict=True)
        if math.isfinite(band.high - band.low)
    ]
    if known:
        epochs = [epoch for epoch, _ in known]
        lows, highs = [band.low for _, band in known], [band.high for _, band in known]
        canvas.tip(axes.fill_between(epochs, lows, highs, color=ink, alpha=0.25, linewidth=0), f"{said}: interval")
    else:
        for search in curve.each:
            values = [math.nan if value is None else value for value in search]
            axes.plot(curve.epochs, values, color=ink, alpha=FAINT, linewidth=0.8)
    (line,) = axes.plot(curve.epochs, curve.mean, color=ink)
    canvas.tip(line, said)


def _about(curves: Curves, arm: ArmCurves) -> str:
    parts = []
    for part, one in (("validation", arm.validation), ("training", arm.training)):
        if one:
            last = f"{short(one.mean[-1])} {bounds(one.band[-1])}"
            parts.append(
                f"{part} {curves.metric} from {short(one.mean[0])} after {one.epochs[0]} epochs to {last} "
                f"after {one.epochs[-1]}"
            )
    test = f"test {curves.metric} at the end {with_bounds(arm.test, arm.test_interval)}"
    return f"{arm.arm}, means over searches: {'; '.join([*parts, test])}."
