"""The worker of a lane that trains by a user's training function: one trial at a time, each from its first epoch."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from slalom.errors import InputError
from slalom.wire.trial import Effort, Outcome, Reply, Report, TrialResult
from slalom_worker.lane.device import describe, memory, open_device
from slalom_worker.lane.kernels import Kernels
from slalom_worker.tasks import find
from slalom_worker.training.alone import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from slalom.wire.trial import Order, Turn


class AloneWorker:
    """Trains the ordered trials one after the other, never two at once.

    Nothing of a trial is kept between two orders: a trial that goes on after a rung is trained again from its seed to
    the next rung (docs/decisions.md says what that costs and saves). So a lane that died costs no more than a rung.
    """

    def __init__(
        self,
        folder: Path | str,
        metric: str,
        threads: int = 1,
        turn_seconds: float = 0.25,
        device: torch.device | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """folder: where the user's file lies.

        metric: the name of the study's metric, which every report must hold
        threads: how many threads numerical libraries use on the CPU
        turn_seconds: after so long a turn begins no further trial; one that has begun is trained to its order's end
        device: the lane's device, or None to open the best there is
        """
        self.device = device or open_device()
        self.device_name = describe(self.device)
        self.kernels = Kernels(self.device_name)
        self.folder = Path(folder)
        self.metric = metric
        self.threads = threads
        self.turn_seconds = turn_seconds
        self.clock = clock
        self.waiting: deque[Order] = deque()
        self.trainers: dict[str, Trainer] = {}
        self.reports = 0

    @property
    def progress(self) -> tuple[int, ...]:
        """The number of reports that training functions have made so far."""
        return (self.reports,)

    def turn(self, turn: Turn) -> Reply:
        """Take orders and drops, train for about `turn_seconds`, at least one trial, and return what came of it.

        Raises TrainingError where the function raises: the process may be broken then, so the lane is made anew.
        """
        self.waiting.extend(turn.orders)
        if turn.drops:
            self.waiting = deque(order for order in self.waiting if order.trial.id not in turn.drops)
        reports: list[Report] = []
        results: list[TrialResult] = []
        effort = Effort()
        deadline = self.clock() + self.turn_seconds
        while self.waiting:
            order = self.waiting.popleft()
            try:
                with self.kernels.heard(order.trial.work.key):
                    trained = self._trainer(order).train(order)
            except InputError as exc:
                results.append(TrialResult(order.trial.id, order.trial.attempt, Outcome.FAILED, 0, {}, error=str(exc)))
                continue
            reports += trained.reports
            if trained.result is not None:
                results.append(replace(trained.result, not_deterministic=self.kernels.of(order.trial.work.key)))
            effort += Effort(trained.epochs, trained.epochs)
            if self.clock() >= deadline:
                break
        return Reply(tuple(reports), tuple(results), effort, 1, memory(self.device), tuple(self.kernels.told()))

    def rehearse(self, order: Order) -> dict[str, float]:
        """See Trainer.rehearse."""
        return self._trainer(order).rehearse(order)

    def _trainer(self, order: Order) -> Trainer:
        """The trainer of the order's training function, which is imported once; InputError where it cannot be."""
        name = str(order.trial.work.task["name"])
        if name not in self.trainers:
            function = find(name, self.folder)
            self.trainers[name] = Trainer(
                function, self.metric, self.device, self.device_name, self.threads, self._count
            )
        return self.trainers[name]

    def _count(self) -> None:
        self.reports += 1
