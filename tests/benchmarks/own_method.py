"""A user's Lion beside a study file against the package's Adam: the seconds of an epoch of a pack, and their ratio.

    python tests/benchmarks/own_method.py

CPU time on one thread, each the best of several rounds in turns, so that a slow moment hits both. Lion keeps one buffer
and Adam two, so a ratio of at most about 1 says that a method beside the study file is no slower for lying there; the
same file under a name of the package is timed, too. Prints one JSON line.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[2]))

from slalom_worker.lane.device import open_device
from slalom_worker.methods import Methods
from slalom_worker.net.objective import Objective
from slalom_worker.optimizers import OPTIMIZERS
from slalom_worker.tasks import open_task
from slalom_worker.training.pack import Pack
from slalom_worker.training.slot import Slot
from tests.repository.test_documents_run import blocks
from tests.workers.trials import order, settings, trial, work

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH = 64
ROUNDS = 40
PAGE = Path(__file__).parents[2] / "docs" / "adding-a-method.md"
OWN, PACKAGED = "lion.py:LION", "lion"


def epoch(program: Objective, optimizer: str) -> Callable[[], None]:
    """A function that trains a pack for an epoch."""
    specs = [trial(n, program.work, settings(optimizer), epochs=10**6) for n in range(WIDTH)]
    pack = Pack(program)
    pack.seat([Slot.start(order(spec), program) for spec in specs])
    return pack.advance


def seconds(work: Callable[[], None]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


def main() -> None:
    device, of = open_device(), work()
    task = open_task(of.task, Path())
    with TemporaryDirectory() as folder:
        Path(folder, "lion.py").write_text(blocks(PAGE, "python")[0])
        methods = Methods.beside(Path(folder))
        lion = methods.optimizer[OWN]
    with patch.dict(OPTIMIZERS, {OWN: lion, PACKAGED: lion}):
        program = Objective(of, task.load(), task, device, methods)
        packs = {name: epoch(program, name) for name in (OWN, PACKAGED, "adam")}
        for pack in [*packs.values()] * 2:
            pack()
        rounds = [{name: seconds(pack) for name, pack in packs.items()} for _ in range(ROUNDS)]
    best = {name: min(one[name] for one in rounds) for name in packs}
    ratios = {f"{OWN} / {name}": round(best[OWN] / best[name], 3) for name in (PACKAGED, "adam")}
    print(json.dumps({**{name: round(1000 * found, 2) for name, found in best.items()}, **ratios}))


if __name__ == "__main__":
    main()
