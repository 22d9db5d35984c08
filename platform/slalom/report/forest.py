"""The forest plot in characters: each arm's difference from the baseline, with its interval and the margin."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from slalom.report.page.data.forest import forest
from slalom.verdict.answers import Answer
from slalom.verdict.wording import with_bounds

if TYPE_CHECKING:
    from slalom.report.page.data.forest import Forest
    from slalom.study.model import StudySpec
    from slalom.verdict.answers import Comparison
    from slalom.verdict.summary import Summary

COLUMNS = 80

MOST_NAME = 20
LEAST_PLOT = 16


class Signs(NamedTuple):
    """The characters of a plot."""

    mean: str
    line: str
    left: str
    right: str
    zero: str
    cross: str
    margin: str
    arrow_left: str
    arrow_right: str
    cut: str


UNICODE = Signs("●", "─", "├", "┤", "│", "┼", "░", "←", "→", "…")
ASCII = Signs("o", "-", "[", "]", "|", "+", ":", "<-", "->", "~")


class _Scale(NamedTuple):
    """Which column a difference has."""

    low: float
    high: float
    width: int

    def column(self, value: float) -> int:
        inside = min(max(value, self.low), self.high)
        return round((inside - self.low) / (self.high - self.low) * (self.width - 1))


def forest_lines(spec: StudySpec, summary: Summary, signs: Signs, columns: int = COLUMNS) -> list[str]:
    """The plot's lines, none longer than `columns`, which are at least 60; no line where nothing is compared."""
    found = forest(spec, summary)
    if not found.rows:
        return []
    names = [_cut(row.arm, MOST_NAME, signs) for row in found.rows]
    told = [_told(row) for row in found.rows]
    name_width, told_width = max(map(len, names)), max(map(len, told))
    width = columns - name_width - told_width - 4
    if width < LEAST_PLOT:
        width, told = columns - name_width - 2, [""] * len(told)
    scale = _scale(found, width)
    if scale is None:
        return []
    lines = [
        f"{name:{name_width}}  {_row(row, found, scale, signs)}  {words}".rstrip()
        for name, row, words in zip(names, found.rows, told, strict=True)
    ]
    axis = f"{'':{name_width}}  {_axis(found, scale, signs)}".rstrip()
    return [*_titles(found, signs, columns), *lines, axis]


def _titles(found: Forest, signs: Signs, columns: int) -> list[str]:
    margin = "" if found.margin is None else f"; {signs.margin} is the margin, +-{found.margin:g}"
    return [_cut(f"{found.metric}, arm minus {found.baseline}{margin}", columns, signs)]


def _told(row: Comparison) -> str:
    if row.answer is Answer.IDENTICAL:
        return str(row.answer)
    return f"{with_bounds(row.mean, row.interval, '+')} {row.answer}"


def _scale(found: Forest, width: int) -> _Scale | None:
    """From the least end to the greatest, zero and the margin within; None where all is one point."""
    margins = [] if found.margin is None else [-found.margin, found.margin]
    ends = [end for row in found.rows for end in (row.mean, *row.interval)]
    finite = [value for value in (0.0, *margins, *ends) if math.isfinite(value)]
    low, high = min(finite), max(finite)
    return _Scale(low, high, width) if high > low else None


def _row(row: Comparison, found: Forest, scale: _Scale, signs: Signs) -> str:
    cells = [" "] * scale.width
    if found.margin is not None:
        for column in range(scale.column(-found.margin), scale.column(found.margin) + 1):
            cells[column] = signs.margin
    cells[scale.column(0.0)] = signs.zero
    if row.answer is not Answer.IDENTICAL:
        first, last = scale.column(row.interval.low), scale.column(row.interval.high)
        cells[first : last + 1] = [signs.line] * (last + 1 - first)
        # an interval without an end goes on beyond the plot
        cells[first] = signs.left if math.isfinite(row.interval.low) else signs.line
        cells[last] = signs.right if math.isfinite(row.interval.high) else signs.line
        if first < scale.column(0.0) < last:
            cells[scale.column(0.0)] = signs.cross
    cells[scale.column(row.mean)] = signs.mean
    return "".join(cells)


def _axis(found: Forest, scale: _Scale, signs: Signs) -> str:
    """Where zero is, and on which side of it an arm is better."""
    left, right = ("better", "worse") if found.goal == "minimize" else ("worse", "better")
    zero = scale.column(0.0)
    before, after = f"{signs.arrow_left} {left} ", f" {right} {signs.arrow_right}"
    cells = before.rjust(zero) if len(before) <= zero else " " * zero
    return cells + "0" + (after if len(after) <= scale.width - zero - 1 else "")


def _cut(text: str, width: int, signs: Signs) -> str:
    return text if len(text) <= width else text[: width - 1] + signs.cut
