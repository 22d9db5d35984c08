"""Ten thousand devices that are not there: of mixed pace, they come and go, and what they do is counted."""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.errors import LaneLost
from slalom.lanes.simulated import SimulatedLanes
from slalom.lanes.simulated_worker import SimulatedTraining, SimulatedWorker
from slalom.wire.trial import Reply
from tests.loop.worlds import Nature

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 16
EPOCHS = 27
SPREAD = 10.0
"""The slowest epoch's seconds over the fastest one's."""


@dataclass(frozen=True)
class Fleet:
    """What is simulated.

    epoch: seconds of the slowest one
    life: mean seconds till a device dies, or 0 where none does; away: seconds till it is back
    charge: whether what the loop takes is virtual time
    """

    devices: int
    trials: int
    epoch: float
    life: float
    away: float
    store: str = "none"
    pruner: str = "successive_halving"
    charge: bool = False


@dataclass
class Work:
    """What all devices have done, whether or not they lived to tell: slot-epochs, and seconds at work."""

    epochs: int = 0
    seconds: float = 0.0


class Device(SimulatedWorker):
    """A worker that counts."""

    work: Work

    def _advance(self) -> None:
        began = self.clock()
        super()._advance()
        self.work.epochs += len(self.seats)
        self.work.seconds += self.clock() - began


class Devices:
    """Simulated lanes, which count what is heard, and what the loop takes between its calls."""

    def __init__(self, fleet: Fleet, work: Work) -> None:
        hire = type("Counting", (Device,), {"work": work})
        training = SimulatedTraining(Nature().metrics, pace(fleet.epoch))

        def join(clock):
            self._hired.append(hire(clock, training, WIDTH))
            return self._hired[-1]

        self._lanes = SimulatedLanes(join, fleet.devices, deaths(fleet), fleet.away)
        self._left = time.thread_time()
        self.names = self._lanes.names
        self.clock = self._lanes.clock
        self.fleet, self.work = fleet, work
        self._hired: deque[Device] = deque()
        self._open: dict[int, Device] = {}
        self.died: list[float] = []
        self.replies = self.reports = 0
        self.loop_seconds = 0.0

    def __getattr__(self, name):
        method = getattr(self._lanes, name)

        def call(*arguments):
            self.tick()
            answer = method(*arguments)
            if name == "collect":
                self._count(answer)
            self._left = time.thread_time()
            return answer

        setattr(self, name, call)
        return call

    def tick(self) -> None:
        """What the loop has taken since it was last here."""
        now = time.thread_time()
        self.loop_seconds += now - self._left
        if self.fleet.charge:
            self._lanes.spend(now - self._left)
        self._left = now

    def _count(self, heard) -> None:
        for lane, news in heard:
            if isinstance(news, Reply):
                self.replies += 1
                self.reports += len(news.reports)
            elif isinstance(news, LaneLost):
                self.died.append(self.clock())
                self.work.seconds -= self._ahead(self._open.pop(lane))
            else:
                self._open[lane] = self._hired.popleft()

    def worked(self) -> float:
        """Device-seconds at work until now; devices are simulated to the end of the turn they are in."""
        return self.work.seconds - sum(map(self._ahead, self._open.values()))

    def present(self) -> float:
        """Device-seconds in which a device was there until now."""
        away = sum(min(self.fleet.away, self.clock() - at) for at in self.died)
        return self.fleet.devices * self.clock() - away

    def _ahead(self, device) -> float:
        return max(0.0, float(device.clock() - self.clock()))


def pace(epoch):
    """Seconds of a trial's epoch, from its seeds: log-uniform between a tenth of the slowest and that."""
    return lambda trial, _: epoch * SPREAD ** (trial.seeds.dropout / 2**63 - 1)


def deaths(fleet: Fleet) -> Iterator[tuple[float, int]]:
    """At which times which devices die, for as long as the study can take."""
    chance, at = random.Random(0), 0.0
    horizon = 20 * fleet.epoch * (EPOCHS + EPOCHS * fleet.trials / (fleet.devices * WIDTH))
    while fleet.life and (at := at + chance.expovariate(fleet.devices / fleet.life)) < horizon:
        yield at, chance.randrange(fleet.devices)
