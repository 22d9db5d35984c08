"""Lanes in the loop's own process, one turn at a time: for tests, and where Ray would be in the way."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from slalom.errors import LaneLost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.lanes.base import WorkerFactory
    from slalom.trial import Reply, Turn


class InProcessLanes:
    """Workers that take their turns within `collect`."""

    def __init__(self, factory: WorkerFactory, count: int = 1) -> None:
        self._factory = factory
        self._workers = [factory() for _ in range(count)]
        self._turns: deque[tuple[int, Turn]] = deque()

    @property
    def names(self) -> Sequence[str]:
        """One name a worker."""
        return [f"lane {number}" for number in range(len(self._workers))]

    def send(self, lane: int, turn: Turn) -> None:
        """Queue a turn."""
        self._turns.append((lane, turn))

    def collect(self, timeout: float) -> Sequence[tuple[int, Reply | LaneLost]]:  # noqa: ARG002 (never waits)
        """Take the turn that has waited longest."""
        if not self._turns:
            return []
        lane, turn = self._turns.popleft()
        try:
            return [(lane, self._workers[lane].turn(turn))]
        except Exception as exc:  # noqa: BLE001 (a user's model may raise anything; the loop is told)
            self._workers[lane] = self._factory()
            self._turns = deque(item for item in self._turns if item[0] != lane)
            return [(lane, LaneLost(f"lane {lane}: {type(exc).__name__}: {exc}", raised=True))]

    def close(self) -> None:
        """Let the workers go."""
        self._turns.clear()
        self._workers.clear()
