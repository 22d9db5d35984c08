"""One driver and ten thousand virtual devices: a million trials of mixed durations, and devices that come and go.

    python tests/benchmarks/fleet.py                            # 10,000 devices, 1,000,000 trials
    python tests/benchmarks/fleet.py --trials 100000 --devices 1000 --store sqlite
    python tests/benchmarks/fleet.py --epochs 32 16 8 4 2 --charge     # seconds of a slowest epoch: where is the limit?

The loop is the real one, with its plans, its placement and Optuna's random sampler: 10 arms, successive halving over 27
epochs. A trial's epoch takes as long as its seeds have it, log-uniform over a factor of ten, and a pack of 16 goes at
the pace of its slowest trial. Every device dies at random times and is back some minutes later. With `--charge` what the
loop takes is virtual time too: devices wait for a loop that is too slow. Each study runs in a process of its own; times
are CPU seconds of the loop's thread, without those of the simulated devices.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[2]))

from rich.console import Console
from rich.table import Table

from slalom.errors import LaneLost
from slalom.lanes.simulated import SimulatedLanes
from slalom.lanes.simulated_worker import SimulatedWorker, Training
from slalom.loop import run
from slalom.suggest import Proposals
from slalom.trial import Phase, Reply
from tests.benchmarks.scale import GENERATION, NoRecorder, NoStore, Timed
from tests.loop.worlds import SEEDS, Nature, sqlite_store, study

if TYPE_CHECKING:
    from collections.abc import Iterator

ARMS = 10
WIDTH = 16
EPOCHS = 27
SPREAD = 10.0
"""The slowest epoch's seconds over the fastest one's."""


@dataclass(frozen=True)
class Fleet:
    """What is simulated. slowest: seconds of the slowest epoch; life, away: seconds till a device dies, till it is back.

    charge: whether what the loop takes is virtual time
    """

    devices: int
    trials: int
    slowest: float
    life: float
    away: float
    store: str
    charge: bool


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
        training = Training(Nature().metrics, pace(fleet.slowest))
        self._lanes = SimulatedLanes(
            lambda clock: hire(clock, training, WIDTH), fleet.devices, deaths(fleet), absence=fleet.away
        )
        self._charge = fleet.charge
        self._left = time.thread_time()
        self.names = self._lanes.names
        self.clock = self._lanes.clock
        self.died: list[float] = []
        self.heard: Counter[str] = Counter()
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
        if self._charge:
            self._lanes.spend(now - self._left)
        self._left = now

    def _count(self, heard) -> None:
        for _, news in heard:
            if isinstance(news, Reply):
                self.heard["replies"] += 1
                self.heard["reports"] += len(news.reports)
            elif isinstance(news, LaneLost):
                self.died.append(self.clock())


class Budget(NoStore):
    """Keeps what must come out even: how often each trial ended; and what its numbers took."""

    def __init__(self, spec):
        super().__init__()
        self.times = {(arm.name, Phase.TUNE): bytearray(spec.tune.trials) for arm in spec.arms}
        self.times |= {(arm.name, Phase.CONFIRM): bytearray(spec.confirm_seeds) for arm in spec.arms}
        self.epochs = 0
        self.attempts = Counter()

    def add(self, ended):
        for one in ended:
            trial = one.spec.id
            self.times[trial.arm, trial.phase][trial.number] += 1
            self.epochs += one.result.epochs
            self.attempts[one.spec.attempt] += 1

    @property
    def exact(self):
        """Whether each trial ended once."""
        return all(set(times) == {1} for times in self.times.values())


class Both:
    """The budget's store and the real one."""

    def __init__(self, budget, store):
        self._budget, self._store = budget, store

    def __getattr__(self, name):
        return getattr(self._store, name)

    def add(self, ended):
        self._budget.add(ended)
        self._store.add(ended)


def pace(slowest):
    """Seconds of a trial's epoch, from its seeds: log-uniform between a tenth of the slowest and that."""
    return lambda trial, epoch: slowest * SPREAD ** (trial.seeds.dropout / 2**63 - 1)


def deaths(fleet: Fleet) -> Iterator[tuple[float, int]]:
    """At which times which devices die, for as long as the study can take."""
    chance, at = random.Random(0), 0.0
    horizon = 20 * fleet.slowest * (EPOCHS + EPOCHS * fleet.trials / (fleet.devices * WIDTH))
    while fleet.life and (at := at + chance.expovariate(fleet.devices / fleet.life)) < horizon:
        yield at, chance.randrange(fleet.devices)


def question(trials):
    """A study of so many trials in all."""
    tune = {"trials": trials // ARMS - SEEDS, "generation": GENERATION, "sampler": "random"}
    return study([f"arm-{number}" for number in range(ARMS)], epochs=EPOCHS, **tune)


@dataclass(frozen=True)
class Mark:
    """Where everything stood at a time: virtual seconds, the loop's CPU seconds, and what was done till then."""

    at: float
    loop: float
    work: float
    died: int
    replies: int
    reports: int
    resident: float


@dataclass(frozen=True)
class Found:
    """What a study came to; `full` is the mark when its last generation began, `end` the last one."""

    full: Mark
    end: Mark
    storage: float
    trained: int
    needed: int
    available: int
    attempts: dict[int, int]
    exact: bool
    base: float
    peak: float

    def at_work(self, fleet: Fleet, mark: Mark) -> float:
        """Device-seconds at work, of those present."""
        return mark.work / (fleet.devices * mark.at - fleet.away * mark.died)


def measured(fleet: Fleet) -> Found:
    """One study in this process."""
    spec, work = question(fleet.trials), Work()
    run(question(10 * ARMS), NoStore(), Devices(replace_fleet(fleet), Work()), NoRecorder(), Proposals)
    budget, marks = Budget(spec), []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = Timed(Both(budget, sqlite_store(folder, spec))) if fleet.store == "sqlite" else budget
        lanes = Devices(fleet, work)
        base = resident()

        def mark():
            lanes.tick()
            heard = lanes.heard
            marks.append(
                Mark(
                    lanes.clock(),
                    lanes.loop_seconds,
                    work.seconds,
                    len(lanes.died),
                    heard["replies"],
                    heard["reports"],
                    resident(),
                )
            )

        def propose(spec, arm):
            ask = Proposals(spec, arm)

            def marked(new, numbers):
                if numbers.stop == spec.tune.trials:
                    mark()
                return ask(new, numbers)

            return marked

        run(spec, store, lanes, NoRecorder(), propose, clock=lanes.clock)
        mark()
        effort = store.notes()["throughput"]
    return Found(
        marks[-2],
        marks[-1],
        store.seconds if fleet.store == "sqlite" else 0.0,
        work.epochs,
        budget.epochs,
        effort["available"],
        dict(budget.attempts),
        budget.exact,
        base,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def resident() -> float:
    """MiB that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def replace_fleet(fleet: Fleet) -> Fleet:
    from dataclasses import replace

    return replace(fleet, devices=10, trials=100)


def apart(fleet: Fleet) -> Found:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--one", json.dumps(asdict(fleet))]
    said = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return Found(**{**said, "full": Mark(**said["full"]), "end": Mark(**said["end"])})
