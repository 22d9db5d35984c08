"""How soon a study that was stopped goes on where its home has 10,000 finished trials, and where it has 100:

python -m tests.benchmarks.resuming [ROUNDS]

Each study is stopped as by Ctrl-C once so many trials have ended, and is run again in a process of its own on a local
Ray. The seconds are those from that process's start to the first trial that ends on a lane; beside them stand those of
them after Ray was asked for lanes, which it starts while the trials are read.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import slalom
from slalom.errors import Interrupted
from slalom.lanes.base import News
from slalom.study.model import StudySpec
from slalom.wire.trial import Reply
from tests.benchmarks.lent import Lent

FEW, MANY = 100, 10_000


def study(count: int) -> StudySpec:
    """A study of which so many trials are about a half: two arms, searches of 25 trials."""
    return slalom.Study(
        name=f"resumed-{count}",
        question="How soon does it go on?",
        task="mixture",
        model={"name": "mlp", "hidden": [4]},
        training={"epochs": 1, "batch_size": 50, "optimizer": "sgd"},
        search={"learning_rate": {"log": [1e-3, 1.0]}},
        metric={"name": "error", "goal": "minimize"},
        arms={"plain": {}, "decayed": {"weight_decay": 1e-4}},
        tune={"trials": 25, "searches": max(2, count // 25), "pick": "none"},
        confirm={"seeds": 1},
        compare={"baseline": "plain"},
    )


class Stopping(Lent):
    """Stops the study, as Ctrl-C does, once so many trials have ended; says when the first one did."""

    def __init__(self, spec: StudySpec, most: int) -> None:
        self.began = time.time()
        super().__init__(spec)
        self.most, self.first, self.ended = most, 0.0, 0

    def collect(self, timeout: float) -> Sequence[tuple[int, News]]:
        news = super().collect(timeout)
        self.ended += sum(len(one.results) for _, one in news if isinstance(one, Reply))
        if self.ended and not self.first:
            self.first = time.time()
        if self.ended >= self.most:
            raise KeyboardInterrupt
        return news


def run(count: int, home: Path, most: int) -> Stopping:
    """Run the study until `most` trials have ended."""
    crews: list[Stopping] = []

    def lend(spec: StudySpec) -> Stopping:
        crews.append(Stopping(spec, most))
        return crews[0]

    try:
        slalom.run(study(count), home, lanes=lend)
    except Interrupted:
        return crews[0]
    raise AssertionError("the study ended before it was stopped")


def again(count: int, home: Path) -> tuple[float, float]:
    """Seconds from a new process's start to the first trial that ends, and those from when the lanes are asked for."""
    began = time.time()
    command = [sys.executable, "-m", "tests.benchmarks.resuming", "--again", str(count), str(home)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    first, asked = json.loads(told.splitlines()[-1])
    return first - began, first - asked


def main(rounds: int = 3) -> None:
    """Print the medians, a line for each number of finished trials."""
    found: dict[int, list[tuple[float, float]]] = {FEW: [], MANY: []}
    with tempfile.TemporaryDirectory() as folder:
        homes = {count: Path(folder, str(count)) for count in found}
        for count, home in homes.items():
            run(count, home, count)
        for number in range(rounds):
            for count, home in homes.items():
                copy = home.with_name(f"{count}-{number}")
                shutil.copytree(home, copy)
                found[count].append(again(count, copy))
    print("| finished trials | s to the first trial that ends | s of them after Ray was asked |\n|---|---|---|")
    for count, times in found.items():
        print("|", f"{count:,}", *(f"| {statistics.median(column):.1f}" for column in zip(*times, strict=True)), "|")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--again"]:
        crew = run(int(sys.argv[2]), Path(sys.argv[3]), 1)
        print(json.dumps([crew.first, crew.began]))
    else:
        main(*map(int, sys.argv[1:2]))
