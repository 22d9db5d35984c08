"""Slices: each tuning trial's validation value along each hyperparameter, a plot for each arm."""

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
    log_axis,
    plain_axis,
    room,
)
from slalom.wire.trial import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from slalom.report.page.data.tried import ArmTried, Axis, Tried, TriedTrial

TOP, LEFT, HIGH, GAP = 26.0, 50.0, 120.0, 46.0


def draw(tried: Tried, places: Mapping[str, int]) -> list[Plot]:
    """A plot for each arm that searches something, all on one scale of values."""
    values = [trial.value for arm in tried.arms for trial in arm.shown if trial.value is not None]
    scale = _scale(values, minimize=tried.goal == "minimize")
    return [_draw(tried, arm, places[arm.arm], scale) for arm in tried.arms]


def _scale(values: Sequence[float], *, minimize: bool) -> tuple[float, float]:
    """Ends of the axis of values: the worst twentieth is drawn at its border, so that the rest is told apart."""
    ordered = sorted(values, reverse=not minimize)
    return room(ordered[: max(1, math.ceil(0.95 * len(ordered)))], 0.1)


def _draw(tried: Tried, arm: ArmTried, place: int, scale: tuple[float, float]) -> Plot:
    height = TOP + len(arm.axes) * (HIGH + GAP)
    canvas = Canvas(height)
    for number, axis in enumerate(arm.axes):
        axes = canvas.axes(LEFT, TOP + number * (HIGH + GAP), WIDTH - LEFT - 16, HIGH)
        axes.set_ylim(*scale)
        plain_axis(axes, "y", 4)
        axes.set_xlabel(brief(axis.name, 44))
        _across(axes, axis)
        if number == 0:
            axes.set_title(brief(arm.arm, 40), loc="left", fontweight="bold")
        _dots(axes, axis, arm.shown, colour(place), worst=scale[1 if tried.goal == "minimize" else 0])
    return canvas.plot(f"slices-{place}", f"{tried.metric} of {arm.arm} along what it searches", _about(tried, arm))


def _across(axes: Axes, axis: Axis) -> None:
    if axis.options:
        axes.set_xlim(-0.5, len(axis.options) - 0.5)
        words = [brief(str(option), max(4, 40 // len(axis.options))) for option in axis.options]
        axes.set_xticks(range(len(axis.options)), words)
        return
    if axis.log:
        low, high = room([math.log(axis.low), math.log(axis.high)], 0.04)
        log_axis(axes, "x", math.exp(low), math.exp(high))
    else:
        axes.set_xlim(*room([axis.low, axis.high], 0.04))
        plain_axis(axes, "x")


def _dots(axes: Axes, axis: Axis, trials: Sequence[TriedTrial], ink: str, *, worst: float) -> None:
    """Whole trials as full dots, pruned ones hollow, choices ringed, those without a value as crosses at the end."""
    low, high = axes.get_ylim()
    kinds: dict[str, list[tuple[float, float]]] = {"x": [], "pruned": [], "complete": [], "choice": []}
    for trial in trials:
        where = along(axis, trial)
        value = worst if trial.value is None else min(max(trial.value, low), high)
        kind = "x" if trial.value is None else "pruned" if trial.outcome is Outcome.PRUNED else "complete"
        kinds["choice" if trial.is_choice else kind].append((where, value))
    looks = {
        "x": {"marker": "x", "color": ROLES["muted"], "markersize": 5},
        "pruned": {"marker": "o", "color": ink, "markerfacecolor": "none", "markersize": 3.5, "alpha": 0.6},
        "complete": {"marker": "o", "color": ink, "markersize": 3.5, "alpha": 0.7, "markeredgewidth": 0},
        "choice": {"marker": "o", "color": ROLES["ink"], "markerfacecolor": ink, "markersize": 6.5},
    }
    for kind, dots in kinds.items():
        if dots:
            axes.plot(*zip(*dots, strict=True), linestyle="none", clip_on=False, **looks[kind])  # type: ignore[arg-type]


def along(axis: Axis, trial: TriedTrial) -> float:
    """Where a trial lies along a hyperparameter: its number, or the place of its option."""
    value = trial.params[axis.name]
    return float(axis.options.index(value)) if axis.options else float(value)


def _about(tried: Tried, arm: ArmTried) -> str:
    shown = len(arm.shown)
    of = "" if shown == arm.number else f" of {arm.number}"
    best = [trial.value for trial in arm.shown if trial.value is not None]
    if not best:
        return f"{shown}{of} tuning trials, none with a value."
    end = min(best) if tried.goal == "minimize" else max(best)
    names = ", ".join(axis.name for axis in arm.axes)
    return f"{shown}{of} tuning trials along {names}; the best {tried.metric} among them is {end:.4g}."
