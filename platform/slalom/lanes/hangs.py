"""Which lanes hang: those that make no progress for longer than anything in their study takes.

A lane's process is asked now and then how far it has come, from a thread beside the one that trains. A process that
does not answer is stopped or frozen; one that answers and makes no progress is in an endless loop, or waits for
something that does not come.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.errors import LaneLost
from slalom.lanes.base import LaneNotice

if TYPE_CHECKING:
    from collections.abc import Callable

MULTIPLE = 20.0
"""A lane may make no progress for so many times the longest time between two signs of progress in this run."""

FLOOR_SECONDS = 600.0
"""The least time that a lane may make no progress: a busy machine, imports, loading data and compiling are no hang."""

FIRST_SECONDS = 3600.0
"""The time that a lane may make no progress while nothing was measured. A training function of the user's always has
that long between two reports, since it may load data or measure test data then, and no limit before the first one."""

GAP_SECONDS = 30.0
"""The most seconds between two looks that count: the loop itself, or its machine, may have been stopped."""

ASK_SECONDS = 15.0
"""The time without an answer after which a lane is asked how far it has come, and between two such questions."""


@dataclass
class _Sign:
    """When a lane last made progress, was last heard of and was last asked, by the time of `Hangs`.

    progress, where: how far the lane had come when it last answered, and the line of code that it was at
    told: whether people were told that it makes no progress
    """

    moved: float
    heard: float
    asked: float
    progress: tuple[int, ...] | None = None
    where: str = ""
    told: bool = False


class Hangs:
    """Watches the lanes that are at work. The loop's thread alone calls it.

    Time goes on from one `look` to the next, by GAP_SECONDS at most, so that a loop that was stopped, by a signal or
    with its whole machine, takes no lane's silence for a hang.
    """

    def __init__(
        self, timeout: float | None, *, by_reports: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """timeout: seconds that a lane may make no progress; None for a time that follows from what is measured.

        by_reports: progress is a report of the user's training function, and not a step
        """
        self._timeout = timeout
        self._ask_after = min(ASK_SECONDS, (timeout or math.inf) / 4)
        self._floor = FIRST_SECONDS if by_reports else FLOOR_SECONDS
        self._first = math.inf if by_reports else FIRST_SECONDS
        self._clock = clock
        self._looked = clock()
        self._now = 0.0
        self._longest: float | None = None
        self._signs: dict[int, _Sign] = {}

    def look(self) -> None:
        """Advance the time to now, by GAP_SECONDS at most."""
        now = self._clock()
        self._now += min(now - self._looked, GAP_SECONDS)
        self._looked = now

    def begin(self, lane: int) -> None:
        """A lane is at work from now on."""
        self._signs[lane] = _Sign(self._now, self._now, self._now)

    def end(self, lane: int) -> None:
        """A lane is at work no more: it has nothing to do, or is gone."""
        self._signs.pop(lane, None)

    def answered(self, lane: int) -> None:
        """A lane has answered a turn, and is at work on the next one."""
        self._moved(self._signs[lane])
        self.begin(lane)

    def heard(self, lane: int, progress: tuple[int, ...], where: str) -> None:
        """A lane said how far it has come, and which line it is at."""
        sign = self._signs[lane]
        if sign.progress not in (None, progress):
            self._moved(sign)
        sign.progress, sign.where, sign.heard = progress, where, self._now

    def to_ask(self) -> list[int]:
        """The lanes that should be asked now."""
        due = [lane for lane, sign in self._signs.items() if self._now - sign.asked >= self._ask_after]
        for lane in due:
            self._signs[lane].asked = self._now
        return due

    def found(self, lane: int, name: str) -> LaneLost | LaneNotice | None:
        """The loss of a lane that hangs, a notice half way to its limit, or None."""
        sign = self._signs[lane]
        still, silent = self._now - sign.moved, self._now - sign.heard
        frozen = silent > 2 * self._ask_after
        limit = self._limit(frozen=frozen)
        seconds = silent if frozen else still
        what = "does not answer" if frozen else f"has come on no further{sign.where and f' than {sign.where}'}"
        line = f"{name} {what}, for {seconds:.0f} s"
        if seconds > limit:
            return LaneLost(f"{line} (trial_timeout), and is given up", looped=not frozen)
        if sign.told or seconds <= min(limit, FLOOR_SECONDS) / 2:
            return None
        sign.told = True
        return LaneNotice(f"{line}; {_outlook(limit)}")

    def _limit(self, *, frozen: bool) -> float:
        if self._timeout is not None:
            return self._timeout
        if frozen:
            return self._floor
        return self._first if self._longest is None else max(self._floor, MULTIPLE * self._longest)

    def _moved(self, sign: _Sign) -> None:
        self._longest = max(self._longest or 0.0, self._now - sign.moved)
        sign.moved, sign.told = self._now, False


def _outlook(limit: float) -> str:
    if limit == math.inf:
        return "nothing has reported yet, so it is waited for; resources: trial_timeout sets an end to that"
    return f"it is given up after {limit:.0f} s (resources: trial_timeout)"
