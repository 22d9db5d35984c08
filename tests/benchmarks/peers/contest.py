"""How a contestant is called, and what it answers: one JSON line on standard output."""

from __future__ import annotations

import argparse
import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.benchmarks.workloads import WORKLOADS, Workload

RECORDED = """
    SELECT COUNT(DISTINCT run_uuid) FROM latest_metrics JOIN runs USING (run_uuid)
    WHERE key = 'validation.error' AND status = 'FINISHED'
"""


@dataclass(frozen=True)
class Timing:
    """What a contestant did.

    seconds: wall clock, from when its processes are ready until the last trial is over and recorded
    cpu_seconds: of all its processes in that time, or None where it cannot be told
    best: the lowest validation error, which shows that everyone learns the same; None where nothing is learned
    utilisation: slot-epochs that trained a trial, of those there were; None without slots
    training_seconds: of them, from when the last lane opened until the last trial was over; None where all of them are
    """

    cores: int
    trials: int
    seconds: float
    cpu_seconds: float | None
    best: float | None = None
    utilisation: float | None = None
    training_seconds: float | None = None

    @property
    def rate(self) -> float:
        """Trials per second."""
        return self.trials / self.seconds

    @property
    def training_rate(self) -> float:
        """Trials per second while it trained."""
        return self.trials / (self.training_seconds or self.seconds)


def contest(run: Callable[[Workload, int], Timing], peer: str) -> None:
    """Run a contestant on the workload that the command line names, and print its timing.

    peer: the contestant's name in `Workload.trials`; where it is not there, the number of trials is not its own choice
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args()
    workload = WORKLOADS[chosen.workload]
    if chosen.quick:
        workload = workload.quick()
    print(json.dumps(asdict(run(workload, workload.trials.get(peer, 0)))), flush=True)


def check_recorded(database: Path, expected: int) -> None:
    """See that MLflow's database holds the trials, finished and measured; RuntimeError otherwise."""
    with sqlite3.connect(database) as connection:
        (found,) = connection.execute(RECORDED).fetchone()
    if found != expected:
        raise RuntimeError(f"MLflow must hold {expected} finished trials, but holds {found}")
