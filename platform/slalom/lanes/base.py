"""What the loop knows of lanes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from slalom.errors import LaneLost
from slalom.trial import Reply

if TYPE_CHECKING:
    from slalom.trial import Turn


class Worker(Protocol):
    """The half of a lane that trains; see `slalom_worker.lane.LaneWorker`."""

    @property
    def device_name(self) -> str:
        """The kind of device that it trains on, such as "cpu x86-64 avx2" or a GPU's name."""
        ...

    def turn(self, turn: Turn) -> Reply:
        """Take the orders and train for a short while; what it raises costs its trials an attempt."""
        ...


WorkerFactory = Callable[[], Worker]


class Demand(NamedTuple):
    """Trials that the study could train now, under way and yet to begin, and how many a lane trains at once."""

    trials: int
    slots: int


@dataclass(frozen=True)
class LaneOpened:
    """A lane is there, for the first time or again; `device` is the kind that it trains on."""

    device: str


News = Reply | LaneOpened | LaneLost


class Lanes(Protocol):
    """All lanes of a study, numbered from 0. The loop's thread alone calls them.

    A lane is open from when `collect` tells so until it tells of its loss, or the loop releases it; in between it
    takes turns. A lane that dies is told of once; turns it was sent are then void, and what it held (trials in
    training and trials that wait) is gone. It may open again under its number, as may one that was released. That no
    lane opens, after the implementation's own retries, is raised as `Infrastructure`.
    """

    @property
    def names(self) -> Sequence[str]:
        """A name for each number that tells people where the lane is, or was, such as "lane 0 on 10.0.0.7"."""
        ...

    def size(self, demand: Demand) -> Sequence[int]:
        """Told what the study could train now, open more lanes or fewer; the open ones that must be given back.

        Each of these is told once. The loop sends them nothing new and releases them, at the latest after a while.
        """
        ...

    def release(self, lane: int) -> None:
        """Close an open lane, with all that it holds; no answer of it will come any more."""
        ...

    def send(self, lane: int, turn: Turn) -> None:
        """Queue a turn; returns at once. A lane takes its turns in the order they were sent."""
        ...

    def collect(self, timeout: float) -> Sequence[tuple[int, News]]:
        """What has come back, in each lane's order; waits up to `timeout` seconds for the first.

        It waits for nothing where all turns are answered and no lane is to come.
        """
        ...

    def close(self) -> None:
        """Stop every lane and give back what it held; may be called twice."""
        ...
