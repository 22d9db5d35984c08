"""What an epoch costs, in a unit that another machine or a busy hour has too: a loop of plain tensor arithmetic."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

from slalom_worker.lane.device import open_device
from slalom_worker.net.objective import Objective
from slalom_worker.tasks import open_task
from slalom_worker.training.nets import Nets
from slalom_worker.training.pack import Pack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from slalom.wire.trial import Order

REPEATS = 7
"""Measurements; each is the best of TRIES, in turns with the calibration, so that a slow moment hits both."""

TRIES = 2
STEPS = 200
"""Of the calibration: about ten milliseconds of a core."""


def measure_cost(orders: Sequence[Order], folder: Path) -> tuple[float, ...]:
    """Seconds that these trials' first epoch takes as one pack, over those of the calibration: REPEATS ratios."""
    work, device = orders[0].trial.work, open_device()
    task = open_task(work.task, folder)
    objective = Objective(work, task.load(), task, device)

    def epoch() -> Callable[[], None]:
        pack = Pack(objective)
        pack.seat([slot for order in orders for slot in Nets.start(order, objective).slots])
        return pack.advance

    calibration = _calibration(device)
    for _ in range(2):  # programs are made, caches warm
        _seconds(epoch(), device), _seconds(calibration, device)
    return tuple(_ratio(epoch, calibration, device) for _ in range(REPEATS))


def _ratio(epoch: Callable[[], Callable[[], None]], calibration: Callable[[], None], device: torch.device) -> float:
    times = [(_seconds(epoch(), device), _seconds(calibration, device)) for _ in range(TRIES)]
    return min(one for one, _ in times) / min(other for _, other in times)


def _calibration(device: torch.device) -> Callable[[], None]:
    """Products of stacked matrices and elementwise arithmetic, as a step of a pack of small nets has them."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(8, 32, 64, generator=generator).to(device)
    weights = torch.randn(8, 64, 32, generator=generator).to(device)

    def loop() -> None:
        current = weights.clone()
        for _ in range(STEPS):
            outputs = torch.bmm(inputs, current).tanh_()
            current.addcmul_(torch.bmm(inputs.transpose(1, 2), outputs), current, value=-1e-6)

    return loop


def _seconds(work: Callable[[], None], device: torch.device) -> float:
    """Of the GPU's time, or of the thread's own, in which other programs on the machine have no part."""
    if device.type != "cuda":
        began = time.thread_time()
        work()
        return time.thread_time() - began
    torch.cuda.synchronize(device)
    began = time.perf_counter()
    work()
    torch.cuda.synchronize(device)
    return time.perf_counter() - began
