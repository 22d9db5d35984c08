"""What the loop knows of lanes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from slalom.errors import LaneLost
    from slalom.trial import Reply, Turn


class Worker(Protocol):
    """The half of a lane that trains; see `slalom_worker.lane.LaneWorker`."""

    def turn(self, turn: Turn) -> Reply:
        """Take the orders and train for a short while; what it raises costs its trials an attempt."""
        ...


WorkerFactory = Callable[[], Worker]


class Lanes(Protocol):
    """All lanes of a study, numbered from 0. The loop's thread alone calls them.

    A lane that dies is replaced under its number, and is told of once; turns it was sent are then void, and what
    it held (trials in training and trials that wait) is gone. Replacing that fails, after the implementation's own
    retries, is raised as `Infrastructure`.
    """

    @property
    def names(self) -> Sequence[str]:
        """A name for each lane that tells people where it is, such as "lane 0 on 10.0.0.7"."""
        ...

    def send(self, lane: int, turn: Turn) -> None:
        """Queue a turn; returns at once. A lane takes its turns in the order they were sent."""
        ...

    def collect(self, timeout: float) -> Sequence[tuple[int, Reply | LaneLost]]:
        """What has come back, in each lane's order; waits up to `timeout` seconds for the first."""
        ...

    def close(self) -> None:
        """Stop every lane and give back what it held; may be called twice."""
        ...
