"""The critical-difference diagram: arms by average rank, and which of them are not told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.errors import listing
from slalom.report.page.drawing.canvas import ROLES, WIDTH, Canvas, Plot, brief, colour, left_of, mark, plain_axis
from slalom.verdict.wording import short

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from slalom.verdict.tasks.several import Several

ROW, TOP, BOTTOM, GROUP = 26.0, 44.0, 42.0, 9.0


def draw(found: Several, places: Mapping[str, int]) -> list[Plot]:
    """One plot, a row for each arm, best first; places: the number of each arm in the first study."""
    ranked = found.ranked
    groups = found.nemenyi.groups
    height, left = TOP + ROW * len(ranked) + BOTTOM, left_of([arm.name for arm in ranked])
    canvas = Canvas(height)
    axes = canvas.axes(left, TOP, WIDTH - left - 16 - GROUP * len(groups), height - TOP - BOTTOM)
    axes.set_xlim(0.8, len(ranked) + 0.2)
    axes.set_ylim(len(ranked) - 0.5, -0.5)
    axes.set_yticks(range(len(ranked)), [brief(arm.name) for arm in ranked])
    axes.set_xlabel("average rank, 1 the best")
    axes.grid(axis="y", visible=False)
    plain_axis(axes, "x", whole=True)
    for row, arm in enumerate(ranked):
        axes.plot(arm.ranks, [row] * len(arm.ranks), "|", color=ROLES["muted"], markersize=9)
        (dot,) = axes.plot([arm.rank], [row], mark(places[arm.name]), color=colour(places[arm.name]), markersize=8)
        canvas.tip(dot, f"{arm.name}: average rank {short(arm.rank)}")
    _critical(axes, found)
    rows = {arm.name: row for row, arm in enumerate(ranked)}
    for number, group in enumerate(groups):
        ends = [rows[name] for name in group]
        along = 1 + (8 + GROUP * number) / (WIDTH - left - 16 - GROUP * len(groups))
        (line,) = axes.plot(
            [along] * 2,
            [min(ends) - 0.25, max(ends) + 0.25],
            color=ROLES["ink"],
            linewidth=3,
            transform=axes.get_yaxis_transform(),
            clip_on=False,
        )
        canvas.tip(line, f"not told apart: {listing(group)}")
    return [canvas.plot("ranks", "Average ranks, and which arms are told apart", _about(found))]


def _critical(axes: Axes, found: Several) -> None:
    """The critical difference as a bar above the plot, as long as the axis has it, at most the whole axis."""
    critical = min(found.nemenyi.critical_difference, len(found.arms) - 0.8)
    over = axes.get_xaxis_transform()
    tall = ROW * len(found.arms)
    axes.plot([1, 1 + critical], [1 + 10 / tall] * 2, "|-", color=ROLES["ink"], transform=over, clip_on=False)
    text = f"critical difference {found.nemenyi.critical_difference:.2f}"
    axes.text(1, 1 + 20 / tall, text, transform=over, ha="left", va="bottom")


def _about(found: Several) -> str:
    each = "; ".join(f"{arm.name} {short(arm.rank)}" for arm in found.ranked)
    groups = " ".join(f"Not told apart: {listing(group)}." for group in found.nemenyi.groups)
    critical = f"Average ranks that differ by {found.nemenyi.critical_difference:.2f} are told apart."
    return f"Average ranks, best first: {each}. {critical} {groups}".strip()
