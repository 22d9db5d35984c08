"""Which lane trains which trial: the emptiest one, or the one that holds the trial's state.

A trial on its last attempt is trained alone: the one that brings its lanes down shall not take others with it.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from slalom.plan import ATTEMPTS
from slalom.trial import Turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from slalom.trial import Order, Reply, Report, TrialId, TrialResult

IN_FLIGHT = 2
"""Turns a lane is sent ahead, so that it never waits for the loop."""

FIRST_SLOTS = 16
"""Trials given to a lane that has not yet said how many it trains at once."""


class Placement:
    """The orders that wait, what every lane trains, and where the state of a trial lies."""

    def __init__(self, lanes: int, width: int | None) -> None:
        self._waiting: deque[Order] = deque()
        self._training: list[dict[TrialId, Order]] = [{} for _ in range(lanes)]
        self._held: dict[TrialId, int] = {}
        self._new: list[list[Order]] = [[] for _ in range(lanes)]
        self._drops: list[list[TrialId]] = [[] for _ in range(lanes)]
        self._in_flight = [0] * lanes
        self._slots = [width or FIRST_SLOTS] * lanes

    def take(self, orders: Iterable[Order]) -> None:
        """Orders to be placed; one whose trial a lane holds goes back there."""
        self._waiting.extend(orders)

    def drop(self, trials: Iterable[TrialId]) -> None:
        """Trials that will not be gone on with: the lane that holds one may forget it."""
        for trial in trials:
            lane = self._held.pop(trial, None)
            if lane is not None:
                self._drops[lane].append(trial)

    def turns(self) -> Iterator[tuple[int, Turn]]:
        """The turns to send now: waiting orders are spread evenly over lanes with room, a fourth more than slots."""
        self._spread()
        for lane, training in enumerate(self._training):
            if self._in_flight[lane] < IN_FLIGHT and (training or self._drops[lane]):
                turn = Turn(tuple(self._new[lane]), tuple(self._drops[lane]))
                self._held.update(dict.fromkeys((order.trial.id for order in self._new[lane]), lane))
                self._new[lane], self._drops[lane] = [], []
                self._in_flight[lane] += 1
                yield lane, turn

    def replied(self, lane: int, reply: Reply) -> None:
        """A turn came back: what was reported at its order's end waits, what has a result is gone."""
        self._in_flight[lane] -= 1
        if reply.slots is not None:
            self._slots[lane] = reply.slots
        for report in reply.reports:
            self._reported(lane, report)
        for result in reply.results:
            self._ended(lane, result)

    def lost(self, lane: int) -> list[TrialId]:
        """A lane died: the trials that it was training.

        What it was yet to be sent waits for another lane; what waited in it for its next order starts anew with that.
        """
        unsent = self._new[lane]
        lost = self._training[lane].keys() - {order.trial.id for order in unsent}
        self._held = {trial: holder for trial, holder in self._held.items() if holder != lane}
        self._waiting.extendleft(reversed(unsent))
        self._training[lane].clear()
        self._new[lane], self._drops[lane] = [], []
        self._in_flight[lane] = 0
        return sorted(lost)

    def _spread(self) -> None:
        waiting, self._waiting = self._waiting, deque()
        for order in waiting:
            holder = self._held.get(order.trial.id)
            lanes = range(len(self._training)) if holder is None else [holder]
            free = [lane for lane in lanes if self._has_room(lane, order)]
            if free:
                self._give(min(free, key=lambda lane: len(self._training[lane])), order)
            else:
                self._waiting.append(order)

    def _has_room(self, lane: int, order: Order) -> bool:
        training = self._training[lane]
        if _alone(order) or any(map(_alone, islice(training.values(), 1))):
            return not training
        return order.trial.id in self._held or len(training) < self._slots[lane] + self._slots[lane] // 4

    def _give(self, lane: int, order: Order) -> None:
        self._training[lane][order.trial.id] = order
        self._new[lane].append(order)

    def _reported(self, lane: int, report: Report) -> None:
        order = self._training[lane].get(report.trial)
        if order is None or report.attempt != order.trial.attempt:
            return
        if report.epoch == order.until < order.trial.epochs:
            del self._training[lane][report.trial]

    def _ended(self, lane: int, result: TrialResult) -> None:
        order = self._training[lane].get(result.trial)
        if order is not None and result.attempt == order.trial.attempt:
            del self._training[lane][result.trial]
            self._held.pop(result.trial, None)


def _alone(order: Order) -> bool:
    """Whether a trial is trained without company."""
    return order.trial.attempt >= ATTEMPTS - 1
