"""What tuning effort bought: expected best validation value against trials, and against what they cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slalom.report.page.drawing.canvas import WIDTH, Canvas, Plot, colour, dash, plain_axis, room
from slalom.verdict.wording import short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.report.page.data.effort import ArmEffort, Effort

HEIGHT, LEFT, TOP, BOTTOM = 230.0, 50.0, 10.0, 42.0
BANDED = 3
"""Arms of which bands are drawn: those of more would hide each other, and stand in the table."""


def draw(effort: Effort, places: Mapping[str, int]) -> list[Plot]:
    """Two plots, or none where nothing was searched."""
    if not effort.arms:
        return []
    trials = [[float(number) for number in arm.trials] for arm in effort.arms]
    costs = [list(arm.cost) for arm in effort.arms]
    return [
        _draw(effort, places, trials, "effort-trials", "trials of a search"),
        _draw(effort, places, costs, "effort-cost", "epochs of a net, as trained"),
    ]


def _draw(effort: Effort, places: Mapping[str, int], along: Sequence[Sequence[float]], name: str, unit: str) -> Plot:
    canvas = Canvas(HEIGHT)
    axes = canvas.axes(LEFT, TOP, WIDTH - LEFT - 12, HEIGHT - TOP - BOTTOM)
    banded = len(effort.arms) <= BANDED
    axes.set_xlabel(unit)
    for arm, steps in zip(effort.arms, along, strict=True):
        ink = colour(places[arm.arm])
        known = [
            (step, band) for step, band in zip(steps, arm.band, strict=True) if math.isfinite(band.high - band.low)
        ]
        if banded and known:
            lows, highs = [band.low for _, band in known], [band.high for _, band in known]
            axes.fill_between([step for step, _ in known], lows, highs, color=ink, alpha=0.18, linewidth=0)
        (line,) = axes.plot(steps, arm.mean, color=ink, linestyle=dash(places[arm.arm]))
        canvas.tip(line, _said(arm, steps, unit))
    shown = [end for arm in effort.arms for band in arm.band for end in band] if banded else []
    axes.set_ylim(*room([*shown, *(value for arm in effort.arms for value in arm.mean)]))
    plain_axis(axes, "x", whole=True)
    plain_axis(axes, "y")
    each = "; ".join(_said(arm, steps, unit) for arm, steps in zip(effort.arms, along, strict=True))
    return canvas.plot(name, f"Expected best {effort.metric} against {unit}", f"{each}.")


def _said(arm: ArmEffort, steps: Sequence[float], unit: str) -> str:
    return f"{arm.arm} {short(arm.mean[0])} at {steps[0]:.4g}, {short(arm.mean[-1])} at {steps[-1]:.4g} {unit}"
