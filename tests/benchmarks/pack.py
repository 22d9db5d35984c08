"""Trials trained as one pack against the same trials one by one, in a loop as anyone would write it in torch.

    make bench

Prints one table: microseconds per trial and step on one thread, medians of several runs, and their ratio. Times
belong to the machine they were measured on; the ratios are what to look at.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from slalom_worker.environment import LANE_ENVIRONMENT

os.environ.update(LANE_ENVIRONMENT)

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from slalom.trial import Work
from slalom_worker.device import describe, open_device
from slalom_worker.objective import Objective
from slalom_worker.pack import Pack
from slalom_worker.slot import Slot
from slalom_worker.tasks.data import Data, Split
from tests.workers.trials import order, settings, trial

WIDTHS = (1, 4, 16, 64, 256)
SECONDS = 0.4
RUNS = 5
NETS = {"2-10-2": (2, 10, 2, 32), "64-32-10": (64, 32, 10, 32), "784-128-10": (784, 128, 10, 128)}


class Noise:
    """A task of random examples, enough for twenty batches."""

    def __init__(self, inputs: int, classes: int, count: int) -> None:
        generator = torch.Generator().manual_seed(0)
        split = Split(
            torch.randn(count, inputs, generator=generator).numpy(),
            torch.randint(classes, (count,), generator=generator).numpy(),
        )
        self.data = Data(split, split, split, classes)

    def load(self) -> Data:
        return self.data


def timed(epoch, steps: int) -> float:
    """Microseconds a step: the median over runs of as many epochs as fit."""
    epoch()
    found = []
    for _ in range(RUNS):
        began, epochs = time.perf_counter(), 0
        while time.perf_counter() - began < SECONDS:
            epoch()
            epochs += 1
        found.append((time.perf_counter() - began) / (epochs * steps) * 1e6)
    return statistics.median(found)


def packed(objective: Objective, width: int, steps: int) -> float:
    """Microseconds per trial and step of a pack of Adam trials."""
    chosen = settings("adam", learning_rate=1e-3)
    pack = Pack(objective)
    pack.seat([Slot.start(order(trial(n, objective.work, chosen, epochs=10**6)), objective) for n in range(width)])
    return timed(pack.advance, steps) / width


def serial(objective: Objective, hidden: int, batch: int, steps: int) -> float:
    """Microseconds per step of a plain loop."""
    inputs, labels = objective.train.inputs, objective.train.labels
    net = nn.Sequential(nn.Linear(inputs.shape[1], hidden), nn.Tanh(), nn.Linear(hidden, objective.data.classes))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)

    def epoch() -> None:
        for index in torch.randperm(len(labels)).split(batch):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(inputs[index]), labels[index]).backward()
            optimizer.step()

    return timed(epoch, steps)


def main() -> None:
    """Measure and print."""
    device = open_device()
    columns = [f"pack of {width}" for width in WIDTHS]
    table = Table("net, batch", "one by one", *columns, title=f"us per trial and step, {describe(device)}, one thread")
    for name, (inputs, hidden, classes, batch) in NETS.items():
        steps = 20
        task = Noise(inputs, classes, steps * batch)
        work = Work({"name": "noise"}, {"name": "mlp", "hidden": (hidden,), "activation": "tanh"}, batch)
        objective = Objective(work, task.load(), task, device)
        alone = serial(objective, hidden, batch, steps)
        cells = []
        for width in WIDTHS:
            one = packed(objective, width, steps)
            cells.append(f"{one:.1f} ({alone / one:.1f}x)")
        table.add_row(f"{name}, {batch}", f"{alone:.0f}", *cells)
    Console(width=140).print(table)
    print(f"torch {torch.__version__}, medians of {RUNS} runs of {SECONDS} s")


if __name__ == "__main__":
    main()
