"""The Bayesian signed-rank test of the best arm against each other one: three shares of a bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.report.page.drawing.canvas import ROLES, WIDTH, Canvas, Plot, brief, colour, left_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.verdict.tasks.signed_rank import SignedRank

ROW, TOP, BOTTOM = 28.0, 24.0, 42.0


def draw(rows: Sequence[SignedRank], places: Mapping[str, int]) -> list[Plot]:
    """One plot; rows: the tests of the best arm, as the first of each pair, against every other arm."""
    best = rows[0].arm
    height, left = TOP + ROW * len(rows) + BOTTOM, left_of([row.other for row in rows])
    canvas = Canvas(height)
    wide = WIDTH - left - 16
    axes = canvas.axes(left, TOP, wide, height - TOP - BOTTOM)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [brief(row.other) for row in rows])
    axes.set_xlabel("probability")
    axes.set_title(f"{brief(best)} against each other arm", loc="left", x=(8 - left) / wide, fontweight="bold")
    axes.grid(axis="y", visible=False)
    for number, row in enumerate(rows):
        inks = (colour(places[best]), ROLES["grid"], colour(places[row.other]))
        start = 0.0
        for share, ink in zip((row.better, row.equal, row.worse), inks, strict=True):
            if share > 0:
                canvas.tip(axes.barh(number, share, left=start, height=0.6, color=ink)[0], said(row))
            start += share
    about = " ".join(f"{said(row)}." for row in rows)
    return [canvas.plot("signed-rank", f"How probably {best} is better than each other arm", about)]


def said(row: SignedRank) -> str:
    """A pair in words."""
    equal = f", equal {row.equal:.2f}" if row.equal else ""
    return f"{row.arm} better than {row.other} with probability {row.better:.2f}{equal}, worse {row.worse:.2f}"
