"""Slalom and its peers on the same work, the same machine and in the same hour.

    make bench                  everything; writes docs/performance.md's measured part again
    make bench ONLY=mixture     a workload, `floor`, `widths` or `routes`; prints only
    make bench ONLY=mixture AGAINST=refilled    Slalom and one contestant; prints only
    make bench QUICK=1          everything with little work, to see that it runs; prints only

Every contestant is a process of its own, on one thread per core. Contestants take turns, so that a slow minute hits
all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.benchmarks.document import write
from tests.benchmarks.machine import machine
from tests.benchmarks.peers.contest import Timing
from tests.benchmarks.tables import Table, contest_table, floor_table, route_table, width_table
from tests.benchmarks.workloads import WORKLOADS

ROOT = Path(__file__).parents[2]
ROUNDS = 3
SECONDS = 600
"""In which a contestant must be through."""
PROGRAMS = {
    "slalom": "slalom_study",
    "optuna_mlflow": "optuna_mlflow",
    "rustuna": "rustuna_study",
    "ray_tune": "ray_tune",
    "ray_tune_defaults": "ray_tune_defaults",
    "serial": "serial",
    "serial_pinned": "serial_pinned",
    "static": "static_pack",
    "refilled": "refilled_pack",
}
ONCE = ("ray_tune_defaults",)
"""Contestants of the first round alone: so slow that three rounds would double the time of all."""
PARTS = (*WORKLOADS, "floor", "widths", "routes")
Timings = dict[tuple[str, str], list[Timing]]
"""By workload and contestant, one of each round."""


def main() -> None:
    """Measure, print, and write down what a whole run measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--against", choices=list(PROGRAMS)[1:], help="the one contestant beside slalom")
    chosen = parser.parse_args()
    console = Console(width=160)
    parts = [chosen.only] if chosen.only else PARTS
    tables = list(measured(parts, console, quick=chosen.quick, against=chosen.against))
    for table in tables:
        console.print(table.shown())
    if not (chosen.only or chosen.quick or chosen.against):
        work = "\n".join(f"- `{name}`: {workload.title}" for name, workload in WORKLOADS.items())
        write(ROOT / "docs" / "performance.md", [machine(), work, *(table.markdown() for table in tables)])


def measured(parts: Sequence[str], console: Console, *, quick: bool, against: str | None) -> Iterator[Table]:
    """The tables of these parts; against: the one contestant beside Slalom, None for all."""
    workloads = [part for part in parts if part in WORKLOADS]
    if workloads:
        yield contest_table(contests(workloads, console, quick=quick, against=against))
    if "floor" in parts:
        yield floor_table(answer("peers.floor"))
    if "widths" in parts:
        yield width_table(answer("pack"))
    if "routes" in parts:
        yield route_table(answer("routes"))


def contests(workloads: Sequence[str], console: Console, *, quick: bool, against: str | None) -> Timings:
    """Every contestant, or Slalom and one, on every workload, round by round."""
    timings: Timings = defaultdict(list)
    for number in range(1 if quick else ROUNDS):
        for name in workloads:
            peers = [one for one in WORKLOADS[name].trials if against in (one, None)]
            for contestant in ("slalom", *(one for one in peers if number == 0 or one not in ONCE)):
                timing = Timing(**answer(f"peers.{PROGRAMS[contestant]}", name, *(["--quick"] if quick else [])))
                timings[name, contestant].append(timing)
                console.print(f"round {number + 1}: {name}, {contestant}: {timing.rate:.3g} trials/s")
    return timings


def answer(program: str, *arguments: str) -> Any:
    """The JSON line that a benchmark prints; RuntimeError, with what it said, where it fails."""
    ran = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{program}", *arguments],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    if ran.returncode:
        raise RuntimeError(f"{program} {' '.join(arguments)} failed:\n{ran.stderr[-4000:]}")
    return json.loads(ran.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
