"""The half of a simulated lane that says it trains."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slalom.lanes.simulated import SIMULATED
from slalom.trial import Effort, Outcome, Reply, Report, TrialResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from slalom.lanes.simulated import LaneClock
    from slalom.trial import Metrics, Order, TrialId, TrialSpec, Turn


@dataclass(frozen=True)
class Training:
    """What training comes to, as functions of a trial and an epoch, counted from 1.

    metrics: what would be reported; a trial diverges where one of them is not finite
    seconds: what the epoch takes; a pack takes as long as its slowest trial
    """

    metrics: Callable[[TrialSpec, int], Metrics]
    seconds: Callable[[TrialSpec, int], float]


@dataclass(slots=True)
class Seat:
    """A trial in a slot: what was ordered, and the epochs that lie behind it."""

    order: Order
    epoch: int


class SimulatedWorker:
    """Goes about its turns as `slalom_worker.lane.LaneWorker` does, with a single pack and nothing in it.

    It looks at the metrics where a report is due, so a trial diverges there too.
    """

    device_name = SIMULATED

    def __init__(self, clock: LaneClock, training: Training, width: int, turn_seconds: float = 0.25) -> None:
        """width: slots of the pack."""
        self.clock = clock
        self.training = training
        self.width = width
        self.turn_seconds = turn_seconds
        self.waiting: deque[Order] = deque()
        self.parked: dict[TrialId, int] = {}
        self.seats: list[Seat] = []

    def turn(self, turn: Turn) -> Reply:
        """Take the orders, then train for about `turn_seconds`, or until nothing is left."""
        reports: list[Report] = []
        results: list[TrialResult] = []
        trained = available = 0
        self._forget(set(turn.drops))
        self.waiting.extend(turn.orders)
        deadline = self.clock() + self.turn_seconds
        while True:
            self._refill()
            if not self.seats:
                break
            trained += len(self.seats)
            available += max(self.width, len(self.seats))
            self._advance()
            self.seats = [seat for seat in self.seats if self._stays(seat, reports, results)]
            if self.clock() >= deadline:
                break
        return Reply(tuple(reports), tuple(results), Effort(trained, available), self.width)

    def _forget(self, drops: set[TrialId]) -> None:
        if drops:
            for trial in drops:
                self.parked.pop(trial, None)
            self.waiting = deque(order for order in self.waiting if order.trial.id not in drops)
            self.seats = [seat for seat in self.seats if seat.order.trial.id not in drops]

    def _refill(self) -> None:
        while self.waiting and len(self.seats) < self.width:
            order = self.waiting.popleft()
            epoch = self.parked.pop(order.trial.id, 0)
            self.seats.append(Seat(order, epoch if epoch <= order.until else 0))

    def _advance(self) -> None:
        """One epoch of the pack."""
        self.clock.now += max(self.training.seconds(seat.order.trial, seat.epoch + 1) for seat in self.seats)
        for seat in self.seats:
            seat.epoch += 1

    def _stays(self, seat: Seat, reports: list[Report], results: list[TrialResult]) -> bool:
        """Report the epoch where it is due; whether the trial goes on to the next one."""
        trial, epoch = seat.order.trial, seat.epoch
        whole = epoch == trial.epochs
        if whole or epoch % trial.report_every == 0:
            metrics = self.training.metrics(trial, epoch)
            if not all(map(math.isfinite, metrics.values())):
                results.append(TrialResult(trial.id, trial.attempt, Outcome.DIVERGED, epoch, {}, device=SIMULATED))
                return False
            reports.append(Report(trial.id, trial.attempt, epoch, metrics))
            if whole:
                done = TrialResult(trial.id, trial.attempt, Outcome.COMPLETE, epoch, metrics, device=SIMULATED)
                results.append(replace(done, weights=(b"simulated",)) if seat.order.keep_weights else done)
                return False
        if epoch >= seat.order.until:
            self.parked[trial.id] = epoch
            return False
        return True
