"""Shares, a row for each arm: what of the searched matters, and how many trainings diverged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.report.page.drawing.canvas import ROLES, WIDTH, Canvas, Plot, brief, colour, left_of, mark
from slalom.verdict.wording import equation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.report.page.data.divergence import ArmDivergence, Divergence
    from slalom.report.page.data.tried import ArmTried, Tried

ROW, TOP, BOTTOM = 26.0, 24.0, 42.0


def draw_importance(tried: Tried, places: Mapping[str, int]) -> list[Plot]:
    """A plot for each arm whose hyperparameters' importance is known."""
    return [_importance(arm, places[arm.arm]) for arm in tried.arms if arm.importance]


def _importance(arm: ArmTried, place: int) -> Plot:
    names, height = list(arm.importance), TOP + ROW * len(arm.importance) + BOTTOM
    canvas, left = Canvas(height), left_of(names)
    axes = canvas.axes(left, TOP, WIDTH - left - 40, height - TOP - BOTTOM)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), [brief(name) for name in names])
    axes.set_xlabel("share of importance")
    axes.set_title(brief(arm.arm, 40), loc="left", fontweight="bold")
    axes.grid(axis="y", visible=False)
    for row, share in enumerate(arm.importance.values()):
        axes.barh(row, share, height=0.6, color=colour(place))
        axes.text(share + 0.015, row, f"{share:.2f}", va="center", clip_on=False)
    about = ", ".join(f"{name} {share:.2f}" for name, share in arm.importance.items())
    return canvas.plot(f"importance-{place}", f"What matters of what {arm.arm} searches", f"{about}.")


def draw_divergence(divergence: Divergence, places: Mapping[str, int]) -> list[Plot]:
    """One plot of the confirm trainings; none before an arm is confirmed."""
    arms = [arm for arm in divergence.arms if arm.share is not None]
    if not arms:
        return []
    height, left = TOP + ROW * len(arms) + BOTTOM, left_of([arm.arm for arm in arms])
    canvas = Canvas(height)
    axes = canvas.axes(left, TOP, WIDTH - left - 16, height - TOP - BOTTOM)
    axes.set_xlim(0, min(1.0, 1.1 * max(arm.at_most or 0.0 for arm in arms) or 1.0))
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.set_yticks(range(len(arms)), [brief(arm.arm) for arm in arms])
    axes.set_xlabel("share of confirm trainings that diverged")
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")
    axes.locator_params(axis="x", nbins=5)
    for row, arm in enumerate(arms):
        share, bound = arm.share or 0.0, arm.at_most or 0.0
        ink = colour(places[arm.arm])
        (line,) = axes.plot([share, bound], [row, row], color=ink, linewidth=2.5)
        (dot,) = axes.plot([share], [row], mark(places[arm.arm]), color=ink, markersize=7, clip_on=False)
        for artist in (line, dot):
            canvas.tip(artist, _said(arm))
    axes.spines["left"].set_color(ROLES["muted"])
    return [canvas.plot("divergence", "How often trainings diverged", " ".join(f"{_said(arm)}." for arm in arms))]


def _said(arm: ArmDivergence) -> str:
    bound = f", at most {100 * (arm.at_most or 0.0):.2g} % is not excluded"
    p = "" if arm.p is None else f", {equation(arm.p)} against the baseline"
    return f"{arm.arm}: {arm.confirm} of {arm.trainings}{bound}{p}"
