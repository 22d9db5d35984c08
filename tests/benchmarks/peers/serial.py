"""Trials one after the other, in a loop as anyone would write it in torch, one process a core; nothing is recorded.

Every peer trains with `train`. All data lie in memory as tensors, and losses are summed without a look at them: that
is faster than a data loader and a progress bar.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tests.benchmarks.peers.contest import contest
from tests.benchmarks.peers.each_core import Done, run
from tests.benchmarks.workloads import CORES, LEARNING_RATES, WORKLOADS, Workload

Heard = Callable[[int, Mapping[str, float]], None]
"""Takes an epoch, from 1, and its metrics."""


class Tensors(NamedTuple):
    """The training and the validation split: inputs [n, d], labels [n]."""

    inputs: Tensor
    labels: Tensor
    validation_inputs: Tensor
    validation_labels: Tensor


@cache
def tensors(workload: str) -> Tensors:
    """The data of the workload of this name, loaded once in a process."""
    data = WORKLOADS[workload].data()
    parts = (data.train.inputs, data.train.labels, data.validation.inputs, data.validation.labels)
    return Tensors(*map(torch.as_tensor, parts))


def train(workload: Workload, data: Tensors, learning_rate: float, heard: Heard) -> float:
    """One trial; returns the last validation error."""
    if workload.empty:
        heard(1, {"validation.error": learning_rate})
        return learning_rate
    net = build(workload, data)
    optimizer = torch.optim.Adam(net.parameters(), learning_rate)
    count = len(data.labels)
    error = float("nan")
    for epoch in range(1, workload.epochs + 1):
        total = torch.zeros(())
        for index in torch.randperm(count).split(workload.batch_size or count):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(data.inputs[index]), data.labels[index])
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(index)
        if epoch % workload.report_every == 0 or epoch == workload.epochs:
            metrics = {"train.loss": float(total) / count, **validate(net, data)}
            error = metrics["validation.error"]
            heard(epoch, metrics)
    return error


def build(workload: Workload, data: Tensors) -> nn.Module:
    """The net as anyone would write it."""
    classes = int(data.labels.max()) + 1
    if workload.hidden is not None:
        return nn.Sequential(
            nn.Linear(data.inputs.shape[1], workload.hidden), nn.Tanh(), nn.Linear(workload.hidden, classes)
        )
    return nn.Sequential(
        *(nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes)),
    )


@torch.no_grad()
def validate(net: nn.Module, data: Tensors) -> dict[str, float]:
    """What a report holds."""
    logits = net(data.validation_inputs)
    wrong = logits.argmax(1) != data.validation_labels
    loss = nn.functional.cross_entropy(logits, data.validation_labels)
    return {"validation.error": float(wrong.float().mean()), "validation.loss": float(loss)}


def learning_rates(count: int) -> list[float]:
    """Drawn as a random search would."""
    stream = random.Random(0)
    low, high = LEARNING_RATES
    return [low * (high / low) ** stream.random() for _ in range(count)]


def prepare(workload: Workload, trials: int, core: int) -> Callable[[], Done]:
    """One trial to warm up, then those of this core."""
    rates, data = learning_rates(trials)[core::CORES], tensors(workload.name)
    train(workload, data, rates[0], lambda *_: None)
    return lambda: Done(min(train(workload, data, rate, lambda *_: None) for rate in rates))


if __name__ == "__main__":
    contest(partial(run, prepare), "serial")
