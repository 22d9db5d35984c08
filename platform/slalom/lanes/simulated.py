"""Lanes on a virtual clock: nothing is trained, and a thousand devices answer as fast as the loop can go."""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from slalom.errors import LaneLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from slalom.lanes.base import Worker
    from slalom.trial import Reply, Turn

    Answer = Reply | LaneLost


@dataclass(slots=True)
class LaneClock:
    """A lane's own time, in seconds since the lanes were made; its worker moves it on as it trains."""

    now: float = 0.0

    def __call__(self) -> float:
        """Look at it."""
        return self.now


class SimulatedLanes:
    """Workers side by side in virtual time, which `collect` moves on to the next answer.

    A worker takes a turn as soon as it was sent and the one before is over. Answers that come at the same time are
    collected together. What the loop itself does takes no time, unless it is told by `spend`.
    """

    def __init__(
        self, hire: Callable[[LaneClock], Worker], lanes: int, deaths: Iterable[tuple[float, int]] = ()
    ) -> None:
        """hire: a new worker for a lane; deaths: at which times (in seconds) which lanes die."""
        self._hire = hire
        self._clocks = [LaneClock() for _ in range(lanes)]
        self._workers = [hire(clock) for clock in self._clocks]
        self._names = [f"lane {number}" for number in range(lanes)]
        self._queues: list[deque[tuple[float, Turn]]] = [deque() for _ in range(lanes)]
        self._at_work: list[int | None] = [None] * lanes
        self._answers: list[tuple[float, int, int, Answer]] = []
        self._tickets = count()
        self._deaths = sorted(deaths, reverse=True)
        self._now = 0.0

    def clock(self) -> float:
        """Seconds since the lanes were made."""
        return self._now

    def spend(self, seconds: float) -> None:
        """Let time go by, in which lanes take the turns that they have."""
        self._now += seconds

    @property
    def names(self) -> Sequence[str]:
        """One name a lane."""
        return self._names

    def send(self, lane: int, turn: Turn) -> None:
        """Queue a turn."""
        self._queues[lane].append((self._now, turn))
        if self._at_work[lane] is None:
            self._begin(lane)

    def collect(self, timeout: float) -> Sequence[tuple[int, Answer]]:  # noqa: ARG002 (no time is waited)
        """What has come back by now, else what comes back next."""
        following = self._next()
        if following < math.inf:
            self._now = max(self._now, following)
        found = []
        while self._next() <= self._now:
            found.append(self._take())
        return found

    def close(self) -> None:
        """Let the workers go."""
        self._answers.clear()
        self._workers.clear()

    def _next(self) -> float:
        """When the next answer comes, or a lane dies before it; infinite where no lane is at work."""
        while self._answers and self._answers[0][1] != self._at_work[self._answers[0][2]]:
            heapq.heappop(self._answers)  # of a lane that has died since
        if not self._answers:
            return math.inf
        return min([self._answers[0][0], *(at for at, _ in self._deaths[-1:])])

    def _take(self) -> tuple[int, Answer]:
        if self._deaths and self._deaths[-1][0] <= self._answers[0][0]:
            at, lane = self._deaths.pop()
            self._replace(lane, at)
            return lane, LaneLost(f"lane {lane}: dead")
        at, _, lane, answer = heapq.heappop(self._answers)
        self._at_work[lane] = None
        if isinstance(answer, LaneLost):
            self._replace(lane, at)
        elif self._queues[lane]:
            self._begin(lane)
        return lane, answer

    def _begin(self, lane: int) -> None:
        """Take a turn, from when the lane has both the turn and time for it; its answer comes when it is over."""
        clock = self._clocks[lane]
        sent, turn = self._queues[lane].popleft()
        clock.now = max(clock.now, sent)
        answer: Answer
        try:
            answer = self._workers[lane].turn(turn)
        except Exception as exc:  # noqa: BLE001 (what a worker raises costs its trials an attempt)
            answer = LaneLost(f"lane {lane}: {type(exc).__name__}: {exc}", raised=True)
        ticket = self._at_work[lane] = next(self._tickets)
        heapq.heappush(self._answers, (clock.now, ticket, lane, answer))

    def _replace(self, lane: int, at: float) -> None:
        """A new worker in a dead one's place; turns that were sent are void."""
        self._clocks[lane] = LaneClock(at)
        self._workers[lane] = self._hire(self._clocks[lane])
        self._queues[lane].clear()
        self._at_work[lane] = None
