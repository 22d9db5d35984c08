"""A pack that is filled anew only when its last trial is over, as packed training is commonly built."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from slalom.wire.trial import Order
from slalom_worker.lane.device import open_device
from slalom_worker.lane.environment import pin_kernels
from slalom_worker.net.objective import Objective
from slalom_worker.tasks import open_task
from slalom_worker.training.pack import Pack
from slalom_worker.training.slot import Slot
from tests.benchmarks.peers.contest import contest
from tests.benchmarks.peers.each_core import Done, run
from tests.benchmarks.peers.serial import learning_rates
from tests.benchmarks.workloads import CORES, Workload
from tests.support.programs import work_of
from tests.workers.trials import order, settings, trial

NINTH = (9, 3, 3, *[1] * 6)
"""Of nine trials in successive halving by three, how many ninths of the epochs each is trained."""


def orders(workload: Workload, trials: int) -> list[Order]:
    """The trials, ready to be trained: all alike but for the learning rate or, in halving, for their length."""
    work, lengths = work_of(workload.study()), [workload.epochs] * trials
    if workload.pruner != "none":
        lengths = [workload.epochs * NINTH[number % len(NINTH)] // 9 for number in range(trials)]
    return [
        order(
            replace(
                trial(number, work, settings("adam", learning_rate=rate), epochs=length),
                report_every=workload.report_every,
            )
        )
        for number, (rate, length) in enumerate(zip(learning_rates(trials), lengths, strict=True))
    ]


def train(pack: Pack, batch: list[Order]) -> tuple[int, float]:
    """One batch until its last trial is over: the epochs that took, and the lowest validation error at its end."""
    pack.seat([Slot.start(one, pack.objective) for one in batch])
    epochs = 0
    while not all(slot.complete for slot in pack.slots):
        pack.advance()
        epochs += 1
        due = [slot for slot in pack.slots if _reports(slot)]
        if due:
            parameters = torch.stack([slot.tensors["parameters"] for slot in due])
            errors = pack.objective.evaluate(parameters, pack.objective.validation)["error"]
    return epochs, float(errors.min())


def _reports(slot: Slot) -> bool:
    """Whether the epoch just trained is one that the trial reports."""
    last = slot.trial.epochs
    return slot.epoch == last or (slot.epoch < last and slot.epoch % slot.trial.report_every == 0)


def prepare(workload: Workload, trials: int, core: int) -> Callable[[], Done]:
    """Batches of the width, one after the other."""
    work = work_of(workload.study())
    task = open_task(work.task, Path())
    pack = Pack(Objective(work, task.load(), task, open_device()))
    mine = orders(workload, trials)[core::CORES]
    pack.seat([Slot.start(one, pack.objective) for one in mine[:2]])
    pack.advance()

    def timed() -> Done:
        best, held = math.inf, 0
        for start in range(0, len(mine), workload.width):
            batch = mine[start : start + workload.width]
            epochs, error = train(pack, batch)
            best, held = min(best, error), held + epochs * len(batch)
        return Done(best, sum(one.until for one in mine), held)

    return timed


if __name__ == "__main__":
    pin_kernels()  # for the processes that are started: lanes have these kernels too
    contest(partial(run, prepare), "static")
