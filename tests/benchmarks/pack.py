"""Trials trained as one pack, by the pack's width, beside the same trials one by one in a plain torch loop.

Microseconds per trial and step on one thread, in CPU time, so that a busy neighbour is not counted; medians of several
runs. Prints one JSON line: by net and batch size, the step alone and the pack's by its width.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn

from slalom.wire.trial import Work
from slalom_worker.lane.device import open_device
from slalom_worker.net.objective import Objective
from slalom_worker.tasks.data import Data, Split
from slalom_worker.training.pack import Pack
from slalom_worker.training.slot import Slot
from tests.workers.trials import order, settings, trial


def layers(inputs: int, hidden: int, classes: int) -> nn.Module:
    """A net with one hidden layer."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, classes))


def lenet() -> nn.Module:
    """LeNet-5 with average pooling, after LeCun et al. 1998, with all maps connected."""
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)),
    )


class Net(NamedTuple):
    """plain: the net as anyone would write it; structure: the product's net of that shape, or None for `plain` itself.

    widths: of the packs that are measured
    """

    plain: Callable[[], nn.Module]
    shape: tuple[int, ...]
    classes: int
    batch: int
    widths: tuple[int, ...]
    structure: Mapping[str, Any] | None = None


def mlp(inputs: int, hidden: int, classes: int, batch: int, widths: tuple[int, ...]) -> Net:
    """The product's net with one hidden layer."""
    structure = {"name": "mlp", "hidden": (hidden,), "activation": "tanh", "bias": True}
    return Net(partial(layers, inputs, hidden, classes), (inputs,), classes, batch, widths, structure)


NETS = {
    "2-10-2, batch 32": mlp(2, 10, 2, 32, (1, 4, 16, 64, 256)),
    "64-32-10, batch 32": mlp(64, 32, 10, 32, (1, 4, 16, 64, 256)),
    "784-128-10, batch 128": mlp(784, 128, 10, 128, (1, 4, 16)),
    "LeNet-5, a user's own, batch 32": Net(lenet, (1, 28, 28), 10, 32, (1, 4, 16)),
}
STEPS = 20
"""Of an epoch."""
SECONDS = 0.4
RUNS = 5


class Noise:
    """A task of random examples, enough for an epoch."""

    def __init__(self, net: Net) -> None:
        generator = torch.Generator().manual_seed(0)
        count = STEPS * net.batch
        split = Split(
            torch.randn(count, *net.shape, generator=generator).numpy(),
            torch.randint(net.classes, (count,), generator=generator).numpy(),
        )
        self.data = Data(split, split, split, net.classes)
        if net.structure is None:
            self.model = net.plain

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


def packed_step(net: Net, width: int) -> float:
    """Microseconds per trial and step of a pack of Adam trials."""
    task = Noise(net)
    work = Work({"name": "noise"}, net.structure or {"name": "task"}, net.batch)
    objective = Objective(work, task.load(), task, open_device())
    chosen = settings("adam", learning_rate=1e-3)
    pack = Pack(objective)
    pack.seat([Slot.start(order(trial(n, work, chosen, epochs=10**6)), objective) for n in range(width)])
    return cpu_seconds(pack.advance) / (STEPS * width) * 1e6


def step_alone(net: Net) -> float:
    """Microseconds per step of a plain loop."""
    split = Noise(net).load().train
    examples, labels = torch.as_tensor(split.inputs), torch.as_tensor(split.labels)
    module = net.plain()
    optimizer = torch.optim.Adam(module.parameters(), 1e-3)

    def epoch() -> None:
        for index in torch.randperm(len(labels)).split(net.batch):
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(examples[index]), labels[index]).backward()
            optimizer.step()

    return cpu_seconds(epoch) / STEPS * 1e6


def main() -> None:
    open_device()
    found = {}
    for name, net in NETS.items():
        packs = {f"pack of {width}": packed_step(net, width) for width in net.widths}
        found[name] = {"one by one": step_alone(net), **packs}
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
