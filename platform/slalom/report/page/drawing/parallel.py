"""Parallel coordinates: each tuning trial as a line over an arm's hyperparameters, the better the stronger."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slalom.report.page.drawing.canvas import ROLES, WIDTH, Canvas, Plot, brief, colour
from slalom.report.page.drawing.slices import along

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.report.page.data.tried import ArmTried, Axis, Tried, TriedTrial

HEIGHT, SIDE, TOP, BOTTOM = 226.0, 44.0, 40.0, 44.0


def draw(tried: Tried, places: Mapping[str, int]) -> list[Plot]:
    """A plot for each arm that searches at least two hyperparameters."""
    return [_draw(tried, arm, places[arm.arm]) for arm in tried.arms if len(arm.axes) > 1]


def _draw(tried: Tried, arm: ArmTried, place: int) -> Plot:
    canvas = Canvas(HEIGHT)
    axes = canvas.axes(SIDE, TOP, WIDTH - 2 * SIDE, HEIGHT - TOP - BOTTOM)
    axes.set_xlim(0, len(arm.axes) - 1)
    axes.set_ylim(-0.03, 1.03)
    axes.set_yticks([])
    names = [brief(axis.name, max(8, 60 // len(arm.axes))) for axis in arm.axes]
    axes.set_xticks(range(len(arm.axes)), names)
    axes.tick_params(axis="x", length=0, pad=20)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.grid(visible=False)
    axes.text(0, 1.24, brief(arm.arm, 40), fontweight="bold", ha="left")
    for number, axis in enumerate(arm.axes):
        axes.axvline(number, color=ROLES["muted"], linewidth=1)
        top, bottom = _ends(axis)
        axes.text(number, 1.07, top, ha="center", va="bottom")
        axes.text(number, -0.05, bottom, ha="center", va="top")
    for trial, strength in _ranked(tried, arm):
        heights = [_height(axis, trial) for axis in arm.axes]
        ink, width = (ROLES["ink"], 1.6) if trial.is_choice else (colour(place), 0.8)
        axes.plot(range(len(heights)), heights, color=ink, alpha=strength, linewidth=width)
    about = (
        f"A line for each of {len(arm.shown)} tuning trials of {arm.arm}, over {', '.join(names)}; the better a "
        f"trial's {tried.metric}, the stronger its line; choices are in the colour of the text."
    )
    return canvas.plot(f"parallel-{place}", f"Trials of {arm.arm} over all that it searches", about)


def _ranked(tried: Tried, arm: ArmTried) -> list[tuple[TriedTrial, float]]:
    """The trials with a value, worst first, and how strongly each is drawn: the worst faintly, choices fully."""
    sign = -1 if tried.goal == "minimize" else 1
    known = sorted((sign * trial.value, number) for number, trial in enumerate(arm.shown) if trial.value is not None)
    ordered = [arm.shown[number] for _, number in known]
    return [
        (trial, 1.0 if trial.is_choice else 0.1 + 0.7 * (rank / len(ordered)) ** 2)
        for rank, trial in enumerate(ordered)
    ]


def _height(axis: Axis, trial: TriedTrial) -> float:
    """A trial's place along an axis, in [0, 1]."""
    where = along(axis, trial)
    if axis.options:
        return where / (len(axis.options) - 1)
    if axis.log:
        return (math.log(where) - math.log(axis.low)) / (math.log(axis.high) - math.log(axis.low))
    return (where - axis.low) / (axis.high - axis.low)


def _ends(axis: Axis) -> tuple[str, str]:
    """What the top and the bottom of an axis stand for."""
    if axis.options:
        return brief(str(axis.options[-1]), 10), brief(str(axis.options[0]), 10)
    return f"{axis.high:.3g}", f"{axis.low:.3g}"
