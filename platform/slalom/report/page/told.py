"""The numbers of the page: each is taken by its place from the object that `slalom report --format json` prints.

So the page can show no number that the object lacks. In the page each stands as `<data value="..." data-at="place">`,
the number whole and its place in the object beside what is read of it.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

from slalom.verdict.interval import Interval
from slalom.verdict.wording import measured, probability, short

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NOTHING = "-"
"""What stands where there is no number."""


class Told:
    """The object, to be read by places such as "arms.1.confirm.mean".

    A last key that has dots of its own comes after "#": "page.tried.arms.0.shown.3.params#momentum.start".
    """

    def __init__(self, found: Mapping[str, Any]) -> None:
        self._found = found

    def value(self, place: str) -> Any:
        """What stands at a place; None where that, or a part of its path, is None. KeyError for an unknown place."""
        path, _, name = place.partition("#")
        value: Any = self._found
        for part in [*path.split("."), *([name] if name else [])]:
            if value is None:
                return None
            value = value[int(part)] if isinstance(value, list) else value[part]
        return value

    def size(self, place: str) -> int:
        """The length of the list at a place."""
        return len(self.value(place) or ())

    def number(self, place: str, write: Callable[[Any], str] = short) -> str:
        """HTML of the number at a place, written for a reader."""
        value = self.value(place)
        return NOTHING if value is None else _data(place, value, write(value))

    def p(self, place: str) -> str:
        """HTML of a p-value."""
        return self.number(place, probability)

    def share(self, place: str) -> str:
        """HTML of a share, in per cent."""
        return self.number(place, lambda value: f"{100 * value:.3g} %")

    def bounded(self, mean: str, interval: str, sign: str = "") -> str:
        """HTML of a number and its interval: "0.0041 [0.0021, 0.0060]", with as many digits as the interval allows."""
        if self.value(mean) is None:
            return NOTHING
        bounds = self.interval(interval)
        return f"{self.number(mean, lambda value: measured(value, bounds, sign))} {self.bounds(interval)}"

    def interval(self, place: str) -> Interval:
        """The interval at a place; an end that is null is infinite."""
        low, high = self.value(place) or (None, None)
        return Interval(-math.inf if low is None else low, math.inf if high is None else high)

    def bounds(self, place: str) -> str:
        """HTML of the interval at a place."""
        interval = self.interval(place)
        if not math.isfinite(interval.high - interval.low):
            return "[unknown]"
        ends = [self.number(f"{place}.{end}", lambda value: measured(value, interval)) for end in (0, 1)]
        return f'<span class="bounds">[{ends[0]}, {ends[1]}]</span>'

    def text(self, place: str) -> str:
        """HTML of the text at a place."""
        return f'<span data-at="{escape(place)}">{escape(str(self.value(place)))}</span>'


def _data(place: str, value: Any, shown: str) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f'<data value="{value!r}" data-at="{escape(place)}">{escape(shown)}</data>'
    return f'<span data-at="{escape(place)}">{escape(shown)}</span>'
