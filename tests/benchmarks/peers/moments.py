"""Wall clock and CPU time of a process with all its descendants: Ray's servers and lanes, Optuna's processes."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")

START_SECONDS = 120
"""In which a process must have come as far as its work."""


class Spent(NamedTuple):
    """What passed between two moments."""

    seconds: float
    cpu_seconds: float


class Moment(NamedTuple):
    """seconds: wall clock; ticks: CPU time of each process of the family that lives, by its id."""

    seconds: float
    ticks: Mapping[int, int]

    def since(self, began: Moment) -> Spent:
        """What was spent in between; not by processes that ended, since Ray does not wait for its own."""
        ticks = sum(count - began.ticks.get(pid, 0) for pid, count in self.ticks.items())
        return Spent(self.seconds - began.seconds, ticks / TICKS)


def now() -> Moment:
    """This moment."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            fields = stat.read_text().rpartition(")")[2].split()
            pid = int(stat.parent.name)
            parents[pid] = int(fields[1])
            ticks[pid] = int(fields[11]) + int(fields[12])  # in user and system mode
    family = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return Moment(time.perf_counter(), {pid: ticks[pid] for pid in family})


def side_by_side(processes: Sequence[BaseProcess], together: Barrier) -> Spent:
    """What passes while these processes are all at work.

    together: where each of them, and this one, waits before its work and behind it
    """
    for process in processes:
        process.start()
    together.wait(START_SECONDS)
    began = now()
    together.wait()
    spent = now().since(began)
    for process in processes:
        process.join()
    return spent
