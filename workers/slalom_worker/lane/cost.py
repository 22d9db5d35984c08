"""What an epoch costs, as a multiple of a calibration loop of plain tensor arithmetic, to compare machines by."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

from slalom_worker.lane.device import open_device
from slalom_worker.methods import Methods
from slalom_worker.net.objective import Objective
from slalom_worker.own_file import aside
from slalom_worker.tasks import load_split, open_task
from slalom_worker.training.nets import TrainedTrial
from slalom_worker.training.pack import Pack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from slalom.wire.trial import Order

REPEATS = 7
"""Measurements of a cost. Each is the best of TRIES, alternating with the calibration, so that a slow moment of the
machine hits both.
"""

TRIES = 2
STEPS = 200
"""Steps of the calibration loop: about ten milliseconds on one core."""


def measure_cost(orders: Sequence[Order], folder: Path) -> tuple[float, ...]:
    """REPEATS ratios: seconds of these trials' first epoch as one pack over seconds of the calibration loop.

    orders: for trials of one program; folder: where the user's own files lie
    """
    with aside():
        return _measure(orders, folder)


def _measure(orders: Sequence[Order], folder: Path) -> tuple[float, ...]:
    work, device = orders[0].trial.work, open_device()
    task = open_task(work.task, folder)
    objective = Objective(work, load_split(task, work.split), task, device, Methods.beside(folder))

    def epoch() -> Callable[[], None]:
        pack = Pack(objective)
        pack.seat([slot for order in orders for slot in TrainedTrial.start(order, objective).slots])
        return pack.advance

    calibration = _calibration(device)
    for _ in range(2):  # programs are made, caches warm
        _seconds(epoch(), device), _seconds(calibration, device)
    return tuple(_ratio(epoch, calibration, device) for _ in range(REPEATS))


def _ratio(epoch: Callable[[], Callable[[], None]], calibration: Callable[[], None], device: torch.device) -> float:
    times = [(_seconds(epoch(), device), _seconds(calibration, device)) for _ in range(TRIES)]
    return min(one for one, _ in times) / min(other for _, other in times)


def _calibration(device: torch.device) -> Callable[[], None]:
    """A loop of products of stacked matrices and elementwise arithmetic, like steps of a pack of small nets."""
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
    """Seconds that the work takes: by the clock on a GPU, else of this thread's CPU time, without other programs."""
    if device.type != "cuda":
        began = time.thread_time()
        work()
        return time.thread_time() - began
    torch.cuda.synchronize(device)
    began = time.perf_counter()
    work()
    torch.cuda.synchronize(device)
    return time.perf_counter() - began
