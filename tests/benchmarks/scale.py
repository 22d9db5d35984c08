"""The loop alone: studies of many trials on a thousand virtual devices, where training costs nothing.

    python tests/benchmarks/scale.py                 # 1,000, 10,000 and 100,000 trials, without and with storage
    python tests/benchmarks/scale.py --sizes 1000 10000 --stores sqlite --mlflow

Prints three tables: what a trial costs the loop as trials grow, what share of the slots is trained, and whether lanes
wait for a sampler. Every study of the first table runs in a process of its own, so that its memory is its own; times
are CPU seconds of the loop's thread. They belong to the machine; the ratios are what to look at.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, nullcontext
from itertools import product
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parents[2]))

from rich.console import Console
from rich.table import Table

from slalom.lanes.simulated import SimulatedLanes
from slalom.lanes.simulated_worker import SimulatedTraining, SimulatedWorker
from slalom.loop.run import run
from slalom.records import InMemoryRecorder
from slalom.search.on_optuna import Proposals
from slalom.wire.trial import Phase, TrialId
from tests.loop.worlds import SEEDS, MemoryStore, Nature, sqlite_store, study

ARMS = 10
DEVICES = 1_000
WIDTH = 16
GENERATION = 94
EPOCHS = 27


class NoStore:
    """Keeps nothing: what is left is the loop's own cost."""

    def __init__(self):
        self.noted = {}

    def ended(self, _=None):
        return {}

    def held(self, home):
        return nullcontext()

    def add(self, ended):
        pass

    def note(self, name, value):
        self.noted[name] = value

    def notes(self):
        return self.noted

    def namesakes(self):
        return {}


class NoRecorder:
    """Keeps nothing, so that what the loop holds is all that is held."""

    def trials(self, ended):
        pass

    model = summary = lambda self, *_: None

    def close(self):
        pass


class Timed:
    """A part of the loop, with the CPU seconds that its calls take."""

    def __init__(self, part):
        self._part = part
        self.seconds = 0.0

    def __getattr__(self, name):
        found = getattr(self._part, name)
        if not callable(found):
            return found

        def call(*arguments):
            began = time.thread_time()
            try:
                return found(*arguments)
            finally:
                self.seconds += time.thread_time() - began

        setattr(self, name, call)
        return call


def many(trials):
    """A study of so many trials: every arm keeps a generation under way, whatever its size."""
    arms = [f"arm-{number}" for number in range(ARMS)]
    tune = {"trials": trials // ARMS - SEEDS, "generation": GENERATION, "sampler": "random"}
    return study(arms, epochs=EPOCHS, **tune)


def crew(lanes=DEVICES, width=WIDTH, seconds=None, kind=SimulatedWorker):
    """Lanes whose epochs take 0.5 to 1.5 s, so that answers come one by one."""
    seconds = seconds or (lambda trial, epoch: 0.5 + trial.seeds.weights / 2**63)
    training = SimulatedTraining(Nature().metrics, seconds)
    return SimulatedLanes(lambda clock: kind(clock, training, width), lanes)


def measured(trials, store_kind, recorder_kind):
    """One study in this process: seconds and megabytes."""
    spec = many(trials)
    run(many(10 * ARMS), NoStore(), crew(), NoRecorder(), Proposals)  # what is imported and filled once
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = Timed(sqlite_store(folder, spec) if store_kind == "sqlite" else NoStore())
        recorder = Timed(_recorder(recorder_kind, folder, spec, stack))
        lanes = Timed(crew())
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began, cpu = time.perf_counter(), time.thread_time()
        run(spec, store, lanes, recorder, Proposals, clock=lanes.clock)
        seconds, wall = time.thread_time() - cpu, time.perf_counter() - began
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        effort = store.notes()["throughput"]
    parts = {"store": store.seconds, "records": recorder.seconds, "lanes": lanes.seconds}
    return {
        "trials": effort["trials"],
        "reports": effort["trained"],
        "loop": seconds - sum(parts.values()),
        "wall": wall,
        "mib": grown / 1024,
        **parts,
    }


def _recorder(kind, folder, spec, stack):
    if kind == "nothing":
        return NoRecorder()
    if kind == "memory":
        return InMemoryRecorder()
    from slalom.records.on_mlflow import MlflowRecorder

    recorder = MlflowRecorder(f"sqlite:///{folder}/mlflow.db", folder / "artifacts", spec, lambda _: "")
    recorder.model = lambda trial, weights: None  # what was not trained is no model
    stack.callback(recorder.close)
    return recorder


def apart(trials, store, recorder):
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--one", str(trials), store, recorder]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def cost_table(sizes, stores, recorder):
    """What a trial costs; the ratios are to the smallest study."""
    columns = ("trials", "storage", "records", "loop ms/trial", "ratio", "with storage ms/trial", "ratio")
    columns += ("wall ms/trial", "reports/s", "MiB per 1,000 trials")
    table = Table(*columns, title=f"{ARMS} arms, {DEVICES} virtual devices, successive halving, {EPOCHS} epochs")
    for store in stores:
        record = "nothing" if store == "none" else recorder
        first = None
        for size in sizes:
            found = apart(size, store, record)
            alone = found["loop"] / found["trials"]
            whole = (found["loop"] + found["store"] + found["records"]) / found["trials"]
            first = first or (alone, whole)
            row = [f"{found['trials']:,}", store, record, f"{1e3 * alone:.3f}", f"{alone / first[0]:.2f}"]
            row += [f"{1e3 * whole:.3f}", f"{whole / first[1]:.2f}", f"{1e3 * found['wall'] / found['trials']:.2f}"]
            reports = found["reports"] / (alone * found["trials"] if store == "none" else whole * found["trials"])
            table.add_row(*row, f"{reports:,.0f}", f"{1e3 * found['mib'] / found['trials']:.2f}")
    return table


class Traced(SimulatedWorker):
    """Keeps when each epoch was trained and by how many, and when a trial was first seated."""

    epochs: ClassVar[list[tuple[float, int]]] = []
    seated: ClassVar[dict[TrialId, float]] = {}

    def _advance(self):
        began = self.clock()
        for seat in self.seats:
            self.seated.setdefault(seat.order.trial.id, began)
        super()._advance()
        self.epochs.append((began, len(self.seats)))


def utilisation(width, lanes, sampler, generation):
    """Trained share of the slots for 300 trials: of the whole study, till all were seated, of a static pack."""
    spec = study([f"arm-{n}" for n in range(6)], epochs=EPOCHS, trials=50, generation=generation, sampler=sampler)
    kind = type("Kept", (Traced,), {"epochs": [], "seated": {}})
    store = MemoryStore(spec)
    run(spec, store, crew(lanes, width, lambda trial, epoch: 1.0, kind), InMemoryRecorder(), Proposals)
    effort = store.notes()["throughput"]
    last = max(at for trial, at in kind.seated.items() if trial.phase is Phase.TUNE)
    while_full = sum(trained for at, trained in kind.epochs if at < last)
    shares = [effort["trained"] / effort["available"], while_full / (width * lanes * last)]
    return [*shares, static([e.result.epochs for e in in_order(store, spec)], width)]


def in_order(store, spec):
    """The tuning trials as they come up, generation by generation."""
    tuned = [ended for trial, ended in store.ended().items() if trial.phase is Phase.TUNE]
    return sorted(tuned, key=lambda ended: (ended.spec.id.number // spec.tune.generation, ended.spec.id))


def static(epochs, width):
    """Trained share of packs that hold their trials until the longest one is done."""
    packs = [epochs[start : start + width] for start in range(0, len(epochs), width)]
    return sum(epochs) / sum(width * max(pack) for pack in packs)


def utilisation_table():
    """The second table."""
    columns = ("sampler", "generation", "lanes", "width", "the whole study")
    columns += ("till all were seated", "static pack")
    table = Table(*columns, title="trained slot-epochs, of those of packs at full width: 6 arms of 50 trials, factor 3")
    for sampler, generation in (("tpe", 8), ("tpe", 50), ("random", 8)):
        for lanes, width in product((1, 2), (32, 64)):
            shares = utilisation(width, lanes, sampler, generation)
            table.add_row(sampler, f"{generation}", f"{lanes}", f"{width}", *(f"{share:.1%}" for share in shares))
    return table


def waiting(lanes, width, seconds, *, free):
    """Virtual seconds of a study with TPE whose proposals take the time they take here, or none; and that time."""
    spec = study([f"arm-{n}" for n in range(6)], epochs=EPOCHS, trials=200)
    virtual = crew(lanes, width, lambda trial, epoch: seconds)
    asked = []

    def propose(spec, arm, search):
        ask = Proposals(spec, arm, search)

        def timed(new, numbers):
            began = time.thread_time()
            given = ask(new, numbers)
            asked.append(time.thread_time() - began)
            virtual.spend(0.0 if free else asked[-1])
            return given

        return timed

    run(spec, NoStore(), virtual, NoRecorder(), propose, clock=virtual.clock)
    return virtual.clock(), sum(asked)


def waiting_table():
    """The third table."""
    columns = ("lanes", "width", "seconds an epoch", "study in s", "with TPE's time", "longer by", "TPE's time in s")
    table = Table(*columns, title="does a lane wait for TPE? 6 arms of 200 trials in generations of 8")
    for lanes, width, seconds in ((1, 48, 0.05), (1, 48, 0.5), (4, 12, 0.05), (4, 12, 0.5)):
        free, _ = waiting(lanes, width, seconds, free=True)
        real, asked = waiting(lanes, width, seconds, free=False)
        row = (f"{free:.1f}", f"{real:.1f}", f"{real / free - 1:.1%}", f"{asked:.1f}")
        table.add_row(f"{lanes}", f"{width}", f"{seconds}", *row)
    return table


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--stores", nargs="*", choices=["none", "sqlite"], default=["none", "sqlite"])
    parser.add_argument("--mlflow", action="store_true", help="record in MLflow, where there is a storage")
    parser.add_argument("--only-costs", action="store_true", help="leave out the other two tables")
    parser.add_argument("--one", nargs=3, metavar=("TRIALS", "STORE", "RECORDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(int(options.one[0]), *options.one[1:])))
        return
    console = Console(width=160)
    console.print(cost_table(options.sizes, options.stores, "mlflow" if options.mlflow else "memory"))
    if not options.only_costs:
        console.print(utilisation_table())
        console.print(waiting_table())


if __name__ == "__main__":
    main()
