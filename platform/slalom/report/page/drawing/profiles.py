"""Performance profiles: the share of the tasks in which an arm comes within a factor of the best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.report.page.drawing.canvas import WIDTH, Canvas, Plot, colour, dash, plain_axis
from slalom.verdict.tasks.profiles import MOST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.verdict.tasks.profiles import Profile

HEIGHT, LEFT, TOP, BOTTOM = 230.0, 50.0, 10.0, 42.0


def draw(profiles: Sequence[Profile], places: Mapping[str, int]) -> list[Plot]:
    """One plot with a line for each arm; its axis ends where no line rises any more, or at the factor MOST."""
    steps = [ratio for profile in profiles for ratio in profile.ratios if ratio < MOST]
    end = min(MOST, 1 + 1.15 * max([0.02, *(ratio - 1 for ratio in steps)]))
    canvas = Canvas(HEIGHT)
    axes = canvas.axes(LEFT, TOP, WIDTH - LEFT - 16, HEIGHT - TOP - BOTTOM)
    axes.set_xlim(1, end)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("within this factor of the best")
    plain_axis(axes, "x")
    plain_axis(axes, "y")
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")
    for profile in profiles:
        at = [1.0, *sorted(ratio for ratio in profile.ratios if 1 < ratio < end), end]
        shares = [profile.share(factor) for factor in at]
        place = places[profile.arm]
        (line,) = axes.step(at, shares, where="post", color=colour(place), linestyle=dash(place))
        canvas.tip(line, _said(profile))
    each = "; ".join(map(_said, profiles))
    return [canvas.plot("profiles", "In which share of the tasks each arm comes close to the best", f"{each}.")]


def _said(profile: Profile) -> str:
    best = f"best in {100 * profile.share(1.0):.3g} % of the tasks"
    twice = f"within a factor of 2 in {100 * profile.share(2.0):.3g} %"
    return f"{profile.arm}: {best}, {twice}, score {profile.score:.2f}"
