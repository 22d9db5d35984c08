"""Trials trained as one pack, by the pack's width, beside the same trials one by one in a plain torch loop.

Microseconds per trial and step on one thread, in CPU time, so that a busy neighbour is not counted; medians of several
runs. Prints one JSON line: by net and batch size, the step alone and the pack's by its width.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from slalom.trial import Work
from slalom_worker.device import open_device
from slalom_worker.objective import Objective
from slalom_worker.pack import Pack
from slalom_worker.slot import Slot
from slalom_worker.tasks.data import Data, Split
from tests.workers.trials import order, settings, trial

Net = tuple[int, int, int]
"""Inputs, hidden units, classes."""

NETS: tuple[tuple[Net, int, tuple[int, ...]], ...] = (
    ((2, 10, 2), 32, (1, 4, 16, 64, 256)),
    ((64, 32, 10), 32, (1, 4, 16, 64, 256)),
    ((784, 128, 10), 128, (1, 4, 16)),
)
"""Each with its batch size and the widths of its packs."""
STEPS = 20
"""Of an epoch."""
SECONDS = 0.4
RUNS = 5


class Noise:
    """A task of random examples, enough for an epoch."""

    def __init__(self, inputs: int, classes: int, count: int) -> None:
        generator = torch.Generator().manual_seed(0)
        split = Split(
            torch.randn(count, inputs, generator=generator).numpy(),
            torch.randint(classes, (count,), generator=generator).numpy(),
        )
        self.data = Data(split, split, split, classes)

    def load(self) -> Data:
        return self.data


def cpu_seconds(work: Callable[[], object]) -> float:
    """Of one call: the median over runs of as many calls as fit."""
    work()
    found = []
    for _ in range(RUNS):
        began, calls = time.process_time(), 0
        while time.process_time() - began < SECONDS:
            work()
            calls += 1
        found.append((time.process_time() - began) / calls)
    return statistics.median(found)


def packed_step(net: Net, batch: int, width: int) -> float:
    """Microseconds per trial and step of a pack of Adam trials."""
    inputs, hidden, classes = net
    task = Noise(inputs, classes, STEPS * batch)
    work = Work({"name": "noise"}, {"name": "mlp", "hidden": (hidden,), "activation": "tanh"}, batch)
    objective = Objective(work, task.load(), task, open_device())
    chosen = settings("adam", learning_rate=1e-3)
    pack = Pack(objective)
    pack.seat([Slot.start(order(trial(n, work, chosen, epochs=10**6)), objective) for n in range(width)])
    return cpu_seconds(pack.advance) / (STEPS * width) * 1e6


def step_alone(sizes: Net, batch: int) -> float:
    """Microseconds per step of a plain loop."""
    inputs, hidden, classes = sizes
    split = Noise(inputs, classes, STEPS * batch).load().train
    examples, labels = torch.as_tensor(split.inputs), torch.as_tensor(split.labels)
    net = nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, classes))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)

    def epoch() -> None:
        for index in torch.randperm(len(labels)).split(batch):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(examples[index]), labels[index]).backward()
            optimizer.step()

    return cpu_seconds(epoch) / STEPS * 1e6


def main() -> None:
    open_device()
    found = {}
    for net, batch, widths in NETS:
        name = f"{'-'.join(map(str, net))}, batch {batch}"
        packs = {f"pack of {width}": packed_step(net, batch, width) for width in widths}
        found[name] = {"one by one": step_alone(net, batch), **packs}
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
