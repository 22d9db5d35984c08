"""Lanes on a virtual clock, for tests and benchmarks: nothing is trained, so a thousand lanes cost no device."""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from slalom.errors import LaneLost
from slalom.lanes.base import LaneOpened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from slalom.lanes.base import Demand, News, Worker
    from slalom.wire.trial import Turn

SIMULATED = "simulated"
"""The kind of the lanes' devices."""


@dataclass(slots=True)
class LaneClock:
    """The time of one lane, in seconds since the lanes were made; the lane's worker moves it on as it trains."""

    now: float = 0.0

    def __call__(self) -> float:
        """The time now."""
        return self.now


class SimulatedLanes:
    """`Lanes` side by side in virtual time, which `collect` moves on to the next answer.

    A worker takes a turn as soon as the turn was sent and the turn before is over. Answers that come at the same time
    are returned together. The loop's own work takes no virtual time, unless `spend` is called.
    """

    def __init__(
        self,
        make_worker: Callable[[LaneClock], Worker],
        lanes: int,
        deaths: Iterable[tuple[float, int]] = (),
        absence: float = 0.0,
    ) -> None:
        """Make so many lanes, all of which open at time 0.

        make_worker: makes the worker of a lane, with the lane's clock
        deaths: at which times which lanes die, in seconds; a lane that is not open then does not die
        absence: seconds from a lane's death until the lane opens again
        """
        self._make_worker = make_worker
        self._absence = absence
        self._clocks: dict[int, LaneClock] = {}
        self._workers: dict[int, Worker] = {}
        self._names = [f"lane {number}" for number in range(lanes)]
        self._queues: list[deque[tuple[float, Turn]]] = [deque() for _ in range(lanes)]
        self._awaited: dict[int, int] = {}
        self._news: list[tuple[float, int, int, News]] = []
        self._tickets = count()
        self._deaths = sorted(deaths, reverse=True)
        self._now = 0.0
        for lane in range(lanes):
            self._await(lane, 0.0, LaneOpened(SIMULATED))

    def clock(self) -> float:
        """The virtual time, in seconds since the lanes were made."""
        return self._now

    def spend(self, seconds: float) -> None:
        """Let so much virtual time go by, in which the lanes take the turns that they have."""
        self._now += seconds

    @property
    def names(self) -> Sequence[str]:
        """See `Lanes`."""
        return self._names

    def size(self, demand: Demand) -> Sequence[int]:  # noqa: ARG002 (devices that nobody else wants)
        """Change nothing: nobody else uses these lanes."""
        return []

    def release(self, lane: int) -> None:
        """Drop a lane's worker, and the turns that wait for it."""
        del self._workers[lane]
        self._queues[lane].clear()
        self._awaited.pop(lane, None)

    def send(self, lane: int, turn: Turn) -> None:
        """See `Lanes`."""
        self._queues[lane].append((self._now, turn))
        if lane not in self._awaited:
            self._begin(lane)

    def collect(self, timeout: float) -> Sequence[tuple[int, News]]:  # noqa: ARG002 (no time is waited)
        """Return the news that have come in by now; where there are none, move the time on to the next ones."""
        found: list[tuple[int, News]] = []
        while not found and (following := self._next()) < math.inf:
            self._now = max(self._now, following)
            while self._next() <= self._now:
                found += self._take()
        return found

    def close(self) -> None:
        """Drop all workers and news."""
        self._news.clear()
        self._workers.clear()

    def _next(self) -> float:
        """The time of the next answer, or of a lane's death before it; infinite where no lane is at work."""
        while self._news and self._news[0][1] != self._awaited.get(self._news[0][2]):
            heapq.heappop(self._news)  # of a lane that has died since
        if not self._news:
            return math.inf
        return min([self._news[0][0], *(at for at, _ in self._deaths[-1:])])

    def _take(self) -> list[tuple[int, News]]:
        if self._deaths and self._deaths[-1][0] <= self._news[0][0]:
            return self._die(*self._deaths.pop())
        at, _, lane, news = heapq.heappop(self._news)
        del self._awaited[lane]
        if isinstance(news, LaneOpened):
            self._clocks[lane] = LaneClock(at)
            self._workers[lane] = self._make_worker(self._clocks[lane])
        elif isinstance(news, LaneLost):
            self._replace(lane, at)
        elif self._queues[lane]:
            self._begin(lane)
        return [(lane, news)]

    def _die(self, at: float, lane: int) -> list[tuple[int, News]]:
        if lane not in self._workers:
            return []
        self._replace(lane, at + self._absence)
        return [(lane, LaneLost(f"lane {lane}: its node left", left=True))]

    def _begin(self, lane: int) -> None:
        """Have the worker take its next turn, at the later of two times: when the turn was sent, and the lane's own."""
        clock = self._clocks[lane]
        sent, turn = self._queues[lane].popleft()
        clock.now = max(clock.now, sent)
        news: News
        try:
            news = self._workers[lane].turn(turn)
        except Exception as exc:  # noqa: BLE001 (what a worker raises costs its trials an attempt)
            news = LaneLost(f"lane {lane}: {type(exc).__name__}: {exc}", raised=True)
        self._await(lane, clock.now, news)

    def _replace(self, lane: int, at: float) -> None:
        """Drop a worker with its turns, which are void, and open the lane again at the time `at`."""
        self.release(lane)
        self._await(lane, at, LaneOpened(SIMULATED))

    def _await(self, lane: int, at: float, news: News) -> None:
        ticket = self._awaited[lane] = next(self._tickets)
        heapq.heappush(self._news, (at, ticket, lane, news))
