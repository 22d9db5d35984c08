"""The port between the loop and the lanes: the protocols `Lanes` and `Worker`, and what lanes tell the loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from slalom.errors import LaneLost
from slalom.wire.trial import Reply

if TYPE_CHECKING:
    from slalom.wire.trial import Turn


class Worker(Protocol):
    """The part of a lane that trains, such as `slalom_worker.lane.worker.LaneWorker`.

    The lane's process alone calls it, one turn at a time. It keeps the trials in training from one turn to the next.
    """

    @property
    def device_name(self) -> str:
        """The kind of device that it trains on, such as "cpu x86-64 avx2 amd" or a GPU's name."""
        ...

    @property
    def progress(self) -> tuple[int, ...]:
        """Numbers that change as it trains, such as the steps done; another thread asks for them within a turn."""
        ...

    def turn(self, turn: Turn) -> Reply:
        """Forget the trials that the turn drops, take its orders, and train for a short while.

        Returns the reports that fell due and the results of trials that ended. Any exception may be raised: the lane
        then drops the worker with all that it holds, and its trials are tried again at the cost of an attempt.
        """
        ...


WorkerFactory = Callable[[], Worker]
"""Makes the worker of a lane, in the lane's own process."""


class Demand(NamedTuple):
    """What a study could train now.

    trials: how many trials, those in training and those that wait
    slots: how many of them a lane trains at once
    """

    trials: int
    slots: int


@dataclass(frozen=True)
class LaneOpened:
    """The news that a lane is open, for the first time or again; `device` is the kind that it trains on."""

    device: str


@dataclass(frozen=True)
class LaneNotice:
    """What people should know of a lane, open or not, in a line; it changes nothing."""

    text: str


News = Reply | LaneOpened | LaneLost | LaneNotice


class Lanes(Protocol):
    """All lanes of a study, numbered from 0. The loop's thread alone calls these methods.

    A lane is open from the `LaneOpened` that `collect` returns until the `LaneLost` that `collect` returns, or until
    the loop calls `release`. While a lane is open it takes turns, and answers each with one `Reply`.

    The loss of a lane is returned once. The turns that the lane was sent are then void, and the trials that it held, in
    training or waiting, are gone. A lane that was lost or released may open again under its number. Where lanes have
    processes of their own, one that hangs is given up, which is its loss too.

    Any call raises Infrastructure where the implementation, after its own retries, has no lane to offer.
    """

    @property
    def names(self) -> Sequence[str]:
        """The name of each lane by its number, which says where the lane is or was, such as "lane 0 on 10.0.0.7"."""
        ...

    def size(self, demand: Demand) -> Sequence[int]:
        """Adapt the number of lanes to what the study could train now; returns at once, and lanes open later.

        Returns the numbers of open lanes that must be given back, each of them once. The loop sends these lanes no
        further trials, and calls `release` for each as soon as the lane is empty, or after a while at the latest.
        """
        ...

    def release(self, lane: int) -> None:
        """Close an open lane, with all that it holds; `collect` returns no more of its answers."""
        ...

    def send(self, lane: int, turn: Turn) -> None:
        """Queue a turn for an open lane; returns at once. A lane takes its turns in the order they were sent."""
        ...

    def collect(self, timeout: float) -> Sequence[tuple[int, News]]:
        """Return the news that have come in, each with its lane's number, those of one lane in their order.

        Waits up to `timeout` seconds for the first, and not at all where all turns are answered and no lane is about
        to open.
        """
        ...

    def close(self) -> None:
        """Stop every lane, and give back its share of the devices; a second call does nothing."""
        ...
