"""The worker of a simulated lane: it trains nothing, and takes the metrics and times from two functions."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slalom.lanes.simulated import SIMULATED
from slalom.wire.trial import Effort, Outcome, Reply, Report, TrialResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from slalom.lanes.simulated import LaneClock
    from slalom.wire.trial import Metrics, Order, TrialId, TrialSpec, Turn


@dataclass(frozen=True)
class SimulatedTraining:
    """The metrics and the time of each epoch of a trial, as functions of the trial and the epoch, counted from 1.

    metrics: the metrics after that epoch; the trial diverges where one of them is not finite
    seconds: the time that the epoch takes; a pack takes as long as its slowest trial
    """

    metrics: Callable[[TrialSpec, int], Metrics]
    seconds: Callable[[TrialSpec, int], float]


@dataclass(slots=True)
class Seat:
    """A trial in a slot: its order, and how many epochs it has trained."""

    order: Order
    epoch: int


class SimulatedWorker:
    """A `Worker` that takes its turns as `slalom_worker.lane.worker.LaneWorker` does, with a single pack.

    The metrics are computed only where a report is due, so only there can a trial diverge.
    """

    device_name = SIMULATED

    def __init__(self, clock: LaneClock, training: SimulatedTraining, width: int, turn_seconds: float = 0.25) -> None:
        """Train on a lane's clock.

        width: the slots of the pack
        turn_seconds: virtual time after which a turn ends
        """
        self.clock = clock
        self.training = training
        self.width = width
        self.turn_seconds = turn_seconds
        self.waiting: deque[Order] = deque()
        self.parked: dict[TrialId, int] = {}
        self.seats: list[Seat] = []

    @property
    def progress(self) -> tuple[int, ...]:
        """The epochs of the trials in the pack."""
        return tuple(seat.epoch for seat in self.seats)

    def turn(self, turn: Turn) -> Reply:
        """Take the orders, then train for about `turn_seconds` of the lane's clock, or until no trial is left."""
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
        """Train one epoch of all trials in the pack."""
        self.clock.now += max(self.training.seconds(seat.order.trial, seat.epoch + 1) for seat in self.seats)
        for seat in self.seats:
            seat.epoch += 1

    def _stays(self, seat: Seat, reports: list[Report], results: list[TrialResult]) -> bool:
        """Report the epoch where a report is due; returns whether the trial goes on to the next epoch."""
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
