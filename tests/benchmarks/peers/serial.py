"""Trials one after the other in one process, in a loop as anyone would write it in torch; nothing is recorded.

Every peer trains with `train`. All data lie in memory as tensors, and losses are summed without a look at them: that
is faster than a data loader and a progress bar.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tests.benchmarks.peers.contest import Timing, contest
from tests.benchmarks.peers.moments import now
from tests.benchmarks.workloads import LEARNING_RATES, WORKLOADS, Workload

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
    classes = int(data.labels.max()) + 1
    net = nn.Sequential(
        nn.Linear(data.inputs.shape[1], workload.hidden), nn.Tanh(), nn.Linear(workload.hidden, classes)
    )
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


def run(workload: Workload, trials: int) -> Timing:
    """Train them all, after one to warm up."""
    torch.set_num_threads(1)
    data = tensors(workload.name)
    rates = learning_rates(trials)
    train(workload, data, rates[0], lambda *_: None)
    began = now()
    errors = [train(workload, data, rate, lambda *_: None) for rate in rates]
    return Timing(1, trials, *now().since(began), min(errors))


if __name__ == "__main__":
    contest(run, "serial")
