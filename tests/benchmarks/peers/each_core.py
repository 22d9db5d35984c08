"""A contestant that is a process on every core, all at work at once: cores share the machine's memory and power."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from typing import NamedTuple

import torch

from tests.benchmarks.peers.contest import Timing
from tests.benchmarks.peers.moments import START_SECONDS, side_by_side
from tests.benchmarks.workloads import CORES, Workload


class Done(NamedTuple):
    """What one process did: its lowest validation error, and its slot-epochs, those that trained and all."""

    best: float
    trained: int = 0
    held: int = 0


Prepare = Callable[[Workload, int, int], Callable[[], Done]]
"""Takes a workload, the trials of all processes and the number of this one; warms up, and returns what is timed."""


def run(prepare: Prepare, workload: Workload, trials: int) -> Timing:
    """The time of all processes from when the last one is ready until the last one is done."""
    context = get_context("spawn")
    together, done = context.Barrier(CORES + 1), context.SimpleQueue()
    processes = [
        context.Process(target=_work, args=(prepare, workload, trials, core, together, done)) for core in range(CORES)
    ]
    spent = side_by_side(processes, together)
    answers: list[Done] = [done.get() for _ in processes]
    held = sum(one.held for one in answers)
    utilisation = sum(one.trained for one in answers) / held if held else None
    return Timing(CORES, trials, *spent, min(one.best for one in answers), utilisation)


def _work(
    prepare: Prepare, workload: Workload, trials: int, core: int, together: Barrier, done: SimpleQueue[Done]
) -> None:
    torch.set_num_threads(1)
    timed = prepare(workload, trials, core)
    together.wait(START_SECONDS)
    done.put(timed())
    together.wait()  # the time of a process that has ended cannot be read
