"""One driver and ten thousand virtual devices: a million trials of mixed durations, and devices that come and go.

    python tests/benchmarks/fleet.py                            # 10,000 devices, 1,000,000 trials
    python tests/benchmarks/fleet.py --devices 1000 --trials 100000 --store sqlite
    python tests/benchmarks/fleet.py --devices 1000 --trials 100000 --charge --epoch 8 4 2 1    # where is the limit?
    python tests/benchmarks/fleet.py --devices 1000 --trials 20000 --pruner none --epoch 20     # 27 reports a trial

The loop is the real one, with its plans, its placement and Optuna's random sampler: 10 arms, successive halving over 27
epochs. A trial's epoch takes as long as its seeds have it, log-uniform over a factor of ten, and a pack of 16 goes at
the pace of its slowest trial. Every device dies at random times and is back some minutes later. With `--charge` what
the loop takes is virtual time too: devices wait for a loop that is too slow. Each study runs in a process of its own;
times are CPU seconds of the loop's thread, without those of the simulated devices.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from rich.console import Console
from rich.table import Table

from slalom.loop.run import run
from slalom.search.on_optuna import Proposals
from slalom.wire.trial import Phase
from tests.benchmarks.scale import GENERATION, NoRecorder, NoStore, Timed
from tests.benchmarks.virtual import EPOCHS, WIDTH, Devices, Fleet, Work
from tests.loop.worlds import SEEDS, sqlite_store, study

ARMS = 10


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

        self.ended, self.held, self.note, self.notes = store.ended, store.held, store.note, store.notes
        self.namesakes = store.namesakes

    def add(self, ended):
        self._budget.add(ended)
        self._store.add(ended)


def question(trials, pruner="successive_halving"):
    """A study of so many trials in all."""
    tune = {"trials": trials // ARMS - SEEDS, "generation": GENERATION, "sampler": "random", "pruner": pruner}
    return study([f"arm-{number}" for number in range(ARMS)], epochs=EPOCHS, **tune)


@dataclass(frozen=True)
class Mark:
    """Where a study stood: virtual seconds, the loop's CPU seconds, and what was done by then.

    worked, present: device-seconds
    """

    at: float
    loop: float
    storage: float
    worked: float
    present: float
    died: int
    trials: int
    replies: int
    reports: int


@dataclass(frozen=True)
class Found:
    """What a study came to.

    full: when its last generation began, until when there was work for every slot; end: when all was over
    trained, needed: slot-epochs that devices trained, and those of the trials' results
    available: slot-epochs of the packs that trained, at full width
    attempts: trials that ended, by tries that were lost before
    exact: whether each trial ended once
    grown: MiB that the process grew by, virtual devices included
    """

    full: Mark
    end: Mark
    trained: int
    needed: int
    available: int
    attempts: dict[str, int]
    exact: bool
    grown: float


class Watched:
    """A study, and what is noted of it as its generations begin."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.spec = question(fleet.trials, fleet.pruner)
        self.budget = Budget(self.spec)
        self.lanes = Devices(fleet, Work())
        kept = Both(self.budget, sqlite_store(folder, self.spec)) if fleet.store == "sqlite" else self.budget
        self.store = Timed(kept) if fleet.store == "sqlite" else kept
        self.full: Mark | None = None

    def run(self) -> None:
        """Train it all."""
        run(self.spec, self.store, self.lanes, NoRecorder(), self._propose, clock=self.lanes.clock)

    def mark(self) -> Mark:
        """Where it stands."""
        lanes, storage = self.lanes, getattr(self.store, "seconds", 0.0)
        lanes.tick()
        done = (len(lanes.died), self.budget.attempts.total(), lanes.replies, lanes.reports)
        return Mark(lanes.clock(), lanes.loop_seconds - storage, storage, lanes.worked(), lanes.present(), *done)

    def _propose(self, spec, arm, search):
        ask = Proposals(spec, arm, search)

        def marked(new, numbers):
            if numbers.stop == spec.tune.trials:
                self.full = self.mark()
            return ask(new, numbers)

        return marked


def measured(fleet: Fleet) -> Found:
    """One study in this process."""
    with tempfile.TemporaryDirectory() as folder:
        Watched(replace(fleet, devices=10, trials=100, store="none", charge=False), Path(folder)).run()
        watched = Watched(fleet, Path(folder))
        before = resident()
        watched.run()
        end, budget = watched.mark(), watched.budget
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
        available = watched.store.notes()["throughput"]["available"]
        attempts = {str(tries): trials for tries, trials in sorted(budget.attempts.items())}
    if watched.full is None:
        raise RuntimeError("the last trials were never proposed")
    trained = watched.lanes.work.epochs
    return Found(watched.full, end, trained, budget.epochs, available, attempts, budget.exact, grown)


def resident() -> float:
    """MiB that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def apart(fleet: Fleet) -> Found:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--one", json.dumps(asdict(fleet))]
    said = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return Found(**{**said, "full": Mark(**said["full"]), "end": Mark(**said["end"])})


def rows(fleet: Fleet, found: Found) -> dict[str, str]:
    """What is shown, by name."""
    full, end = found.full, found.end
    seconds = end.loop + end.storage
    busy = full.loop + full.storage
    lost = sum(int(tries) * trials for tries, trials in found.attempts.items())
    return {
        "slowest epoch, s": f"{fleet.epoch:g}",
        "storage": fleet.store,
        "trials": f"{end.trials:,}",
        "each once": "yes" if found.exact else "NO",
        "virtual s (all begun)": f"{end.at:,.0f} ({full.at:,.0f})",
        "devices at work till all had begun": f"{full.worked / full.present:.1%}",
        "to the end": f"{end.worked / end.present:.1%}",
        "slots of working packs trained": f"{found.needed / found.available:.1%}",
        "devices lost": f"{end.died:,}",
        "attempts lost (trials that lost 2 or more)": f"{lost:,} ({sum(list(found.attempts.values())[2:]):,})",
        "trained in vain": f"{1 - found.needed / found.trained:.2%}",
        "loop, CPU s": f"{end.loop:,.1f}",
        "storage, CPU s": f"{end.storage:,.1f}",
        "load till all had begun": f"{busy / full.at:.2f}",
        "load, whole": f"{seconds / end.at:.3f}",
        "ms a trial": f"{1e3 * seconds / end.trials:.3f}",
        "ms a reply": f"{1e3 * seconds / end.replies:.3f}",
        "reports a CPU s": f"{end.reports / seconds:,.0f}",
        "trials a virtual s till all had begun": f"{full.trials / full.at:,.0f}",
        "replies": f"{full.replies / full.at:,.0f}",
        "reports": f"{full.reports / full.at:,.0f}",
        "grown, MiB": f"{found.grown:,.0f}",
        "bytes a trial": f"{found.grown * 2**20 / end.trials:,.0f}",
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--trials", type=int, default=1_000_000)
    parser.add_argument("--epoch", type=float, nargs="+", default=[20.0], help="seconds of the slowest trial's epoch")
    parser.add_argument("--life", type=float, default=7200.0, help="mean seconds till a device dies; 0: never")
    parser.add_argument("--away", type=float, default=300.0, help="seconds till it is back")
    parser.add_argument("--store", choices=["none", "sqlite"], default="none")
    parser.add_argument("--pruner", choices=["successive_halving", "none"], default="successive_halving")
    parser.add_argument("--charge", action="store_true", help="what the loop takes is virtual time")
    parser.add_argument("--one", type=json.loads, help=argparse.SUPPRESS)
    options = vars(parser.parse_args())
    one = options.pop("one")
    if one:
        print(json.dumps(asdict(measured(Fleet(**one)))))
        return
    fleets = [Fleet(**{**options, "epoch": epoch}) for epoch in options["epoch"]]
    shown = [rows(fleet, apart(fleet)) for fleet in fleets]
    title = f"{fleets[0].devices:,} virtual devices of {WIDTH} slots, {ARMS} arms, {EPOCHS} epochs"
    table = Table("", *["" for _ in fleets], title=title, show_header=False)
    for name in shown[0]:
        table.add_row(name, *(row[name] for row in shown))
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
