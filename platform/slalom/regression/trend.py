"""The nights of a study against its baseline, as one picture without a script: a panel for each arm and metric."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from slalom.regression.gate import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT, LEFT, TOP, GAP = 640, 90, 70, 26, 34
COLOURS = {
    Answer.REGRESSED: "#c62828",
    Answer.UNDECIDED: "#f9a825",
    Answer.IMPROVED: "#2e7d32",
    Answer.EQUIVALENT: "#1565c0",
    Answer.IDENTICAL: "#607d8b",
}


@dataclass(frozen=True)
class Point:
    """How far a night was from the baseline over the same trainings, and what was said; date: of the night, to read.

    Nights end after 10 trainings or after all of them, so their means alone could not be compared.
    """

    date: str
    difference: float
    margin: float
    answer: Answer


@dataclass(frozen=True)
class Panel:
    """Nights of an arm's metric, oldest first."""

    title: str
    points: Sequence[Point]


def picture(title: str, panels: Sequence[Panel]) -> str:
    """SVG: the baseline as a line, the last margin as a band around it, each night as a dot of its answer's colour."""
    height = TOP + 24 + len(panels) * (HEIGHT + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 20}" height="{height}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="100%" height="100%" fill="white"/><text x="8" y="17" font-size="14">{escape(title)}</text>',
        _legend(TOP + 8),
        *(_panel(panel, TOP + 40 + number * (HEIGHT + GAP)) for number, panel in enumerate(panels)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _legend(y: int) -> str:
    words = [
        f'<circle cx="{14 + 100 * number}" cy="{y}" r="4" fill="{colour}"/>'
        f'<text x="{22 + 100 * number}" y="{y + 4}">{answer}</text>'
        for number, (answer, colour) in enumerate(COLOURS.items())
    ]
    return "".join(words)


def _panel(panel: Panel, top: int) -> str:
    last = panel.points[-1]
    ends = [-last.margin, last.margin, *(one.difference for one in panel.points)]
    low, high = min(ends), max(ends)
    room = 0.08 * (high - low) or 1.0
    low, high = low - room, high + room

    def y(value: float) -> float:
        return round(top + HEIGHT * (high - value) / (high - low), 1)

    band = y(last.margin), y(-last.margin)
    step = WIDTH / max(1, len(panel.points))
    dots = [
        f'<circle cx="{LEFT + step * (number + 0.5):.1f}" cy="{y(one.difference)}" r="3.5" '
        f'fill="{COLOURS[one.answer]}">'
        f"<title>{escape(one.date)}: {one.difference:+.3g}, {one.answer}</title></circle>"
        for number, one in enumerate(panel.points)
    ]
    about = f"last difference {last.difference:+.3g}, margin {last.margin:.3g}"
    return "".join(
        [
            f'<text x="{LEFT}" y="{top - 5}">{escape(panel.title)}: {about}</text>',
            f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#ccc"/>',
            f'<rect x="{LEFT}" y="{band[0]}" width="{WIDTH}" height="{band[1] - band[0]:.1f}" fill="#e3f2fd"/>',
            f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y(0.0)}" y2="{y(0.0)}" stroke="#1565c0"/>',
            *(f'<text x="4" y="{y(end) + 4}">{end:+.3g}</text>' for end in (low, high)),
            *dots,
        ]
    )
