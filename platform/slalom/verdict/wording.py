"""How numbers, probabilities and tables are written for a reader."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slalom.verdict.interval import Interval
    from slalom.wire.trial import Scalar


def short(value: Scalar) -> str:
    """A hyperparameter or a lone metric, to four significant digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def measured(value: float, interval: Interval, sign: str = "") -> str:
    """A measured number to two digits of its interval's width; sign "+" writes the sign of positive numbers too."""
    width = interval.high - interval.low
    if not 0 < width < math.inf:
        return f"{value + 0.0:{sign}.4g}"
    decimals = max(0, 1 - math.floor(math.log10(width)))
    if decimals > 8 or abs(value) >= 1e6:
        return f"{value:{sign}.3g}"
    rounded = round(value, decimals) + 0.0  # adding zero turns -0.0 into 0.0
    return f"{rounded:{sign}.{decimals}f}"


def bounds(interval: Interval) -> str:
    """An interval: "[0.0021, 0.0060]"."""
    if not math.isfinite(interval.high - interval.low):
        return "[unknown]"
    return f"[{measured(interval.low, interval)}, {measured(interval.high, interval)}]"


def with_bounds(value: float, interval: Interval, sign: str = "") -> str:
    """A number and its interval: "0.0041 [0.0021, 0.0060]"."""
    return f"{measured(value, interval, sign)} {bounds(interval)}"


def probability(p: float) -> str:
    """A p-value for a table: "0.31", "0.0312", "< 0.0001"."""
    if p < 0.0001:
        return "< 0.0001"
    return f"{p:.2f}" if 0.1 <= p < 0.995 else f"{p:.4f}".rstrip("0").rstrip(".")


def equation(p: float) -> str:
    """A p-value within a sentence: "p = 0.31", "p < 0.0001"."""
    text = probability(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A counted noun: "1 trial", "30 trials"."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or f'{noun}s'}"


def columns(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table's lines, each column as wide as its widest cell."""
    table = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
