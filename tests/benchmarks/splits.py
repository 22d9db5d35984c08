"""A pack whose trials have ten splits beside one whose trials share one: seconds of an epoch with its evaluation.

CPU time on one thread, each the best of several rounds in turns, so that a slow moment hits both. Prints one JSON line:
by net, milliseconds of one split and of ten, and their ratio.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace

from slalom.wire.seeds import split_seed
from slalom_worker.lane.device import open_device
from slalom_worker.net.objective import Objective
from slalom_worker.training.measures import measure
from slalom_worker.training.nets import TrainedTrial
from slalom_worker.training.pack import Pack
from tests.workers.trials import objective, order, settings, trial, work

WIDTH = 64
SPLITS = 10
ROUNDS = 60
NETS = {
    "digits 64-32-10, batch 32": work(),
    "mixture 2-10-2, batch 32": work("mixture", hidden=(10,)),
}


def epoch(program: Objective, splits: int) -> Callable[[], None]:
    """A function that trains and evaluates a pack for an epoch; `splits` 0 for the task's own split."""
    specs = [trial(n, program.work, settings("adam"), epochs=10**6) for n in range(WIDTH)]
    specs = [replace(spec, split=split_seed(0, n % splits) if splits else None) for n, spec in enumerate(specs)]
    trials = [TrainedTrial.start(order(spec), program) for spec in specs]
    pack = Pack(program)
    pack.seat([slot for trained in trials for slot in trained.slots])

    def work() -> None:
        pack.advance()
        measure(program, trials)

    return work


def seconds(work: Callable[[], None]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


def main() -> None:
    device = open_device()
    found = {}
    for name, of in NETS.items():
        program = objective(of, device)
        packs = [epoch(program, splits) for splits in (0, SPLITS)]
        for pack in packs * 2:
            pack()
        rounds = [[seconds(pack) for pack in packs] for _ in range(ROUNDS)]
        one, ten = (min(column) * 1e3 for column in zip(*rounds, strict=True))
        found[name] = {"one split": round(one, 2), "ten splits": round(ten, 2), "ratio": round(ten / one, 3)}
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
