"""Lanes in the loop's own process, one turn at a time: for tests, and where no Ray is wanted."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from slalom.errors import LaneLost
from slalom.lanes.base import LaneOpened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.lanes.base import Demand, News, WorkerFactory
    from slalom.wire.trial import Turn


class InProcessLanes:
    """`Lanes` whose workers take their turns within `collect`; all of them are open from the beginning."""

    def __init__(self, factory: WorkerFactory, count: int = 1) -> None:
        self._factory = factory
        self._workers = {lane: factory() for lane in range(count)}
        self._names = [f"lane {lane}" for lane in range(count)]
        self._opened: list[tuple[int, News]] = [(lane, self._there(lane)) for lane in range(count)]
        self._turns: deque[tuple[int, Turn]] = deque()

    @property
    def names(self) -> Sequence[str]:
        """See `Lanes`."""
        return self._names

    def size(self, demand: Demand) -> Sequence[int]:  # noqa: ARG002 (idle workers cost nothing)
        """Change nothing: nobody else uses this process."""
        return []

    def release(self, lane: int) -> None:
        """Drop a lane's worker, and the turns that wait for it."""
        del self._workers[lane]
        self._turns = deque(item for item in self._turns if item[0] != lane)

    def send(self, lane: int, turn: Turn) -> None:
        """See `Lanes`."""
        self._turns.append((lane, turn))

    def collect(self, timeout: float) -> Sequence[tuple[int, News]]:  # noqa: ARG002 (never waits)
        """Return the lanes that have opened, else take the turn that has waited longest and return its reply."""
        if self._opened:
            opened, self._opened = self._opened, []
            return opened
        if not self._turns:
            return []
        lane, turn = self._turns.popleft()
        try:
            return [(lane, self._workers[lane].turn(turn))]
        except Exception as exc:  # noqa: BLE001 (a user's model may raise anything; the loop is told)
            self.release(lane)
            self._workers[lane] = self._factory()
            lost = LaneLost(f"lane {lane}: {type(exc).__name__}: {exc}", raised=True)
            return [(lane, lost), (lane, self._there(lane))]

    def close(self) -> None:
        """Drop all workers and turns."""
        self._opened.clear()
        self._turns.clear()
        self._workers.clear()

    def _there(self, lane: int) -> LaneOpened:
        return LaneOpened(self._workers[lane].device_name)
