"""Which lane trains which trial: the emptiest one, or the one that holds the trial's state.

A trial on its last attempt is trained alone: the one that brings its lanes down shall not take others with it.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from slalom.plan import ATTEMPTS
from slalom.trial import Turn
from slalom.vacancy import Vacancies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from slalom.trial import Order, Reply, Report, TrialId, TrialResult

    Waiting = tuple[int, Order]

IN_FLIGHT = 2
"""Turns a lane is sent ahead, so that it never waits for the loop."""

FIRST_SLOTS = 16
"""Trials given to a lane that has not yet said how many it trains at once."""


class Load(NamedTuple):
    """Lanes, trials that they have been given and train, and orders that wait for room."""

    lanes: int
    training: int
    waiting: int


class Placement:
    """The orders that wait, what every lane trains, and where the state of a trial lies.

    What a call costs grows with what it changes, not with the lanes and the orders that there are.
    """

    def __init__(self, lanes: int, width: int | None) -> None:
        self._tickets = count()
        self._first = 0
        self._anywhere: deque[Waiting] = deque()
        self._choosy: list[Waiting] = []
        self._training: list[dict[TrialId, Order]] = [{} for _ in range(lanes)]
        self._holder: dict[TrialId, int] = {}
        self._held: list[set[TrialId]] = [set() for _ in range(lanes)]
        self._new: list[list[Order]] = [[] for _ in range(lanes)]
        self._drops: list[list[TrialId]] = [[] for _ in range(lanes)]
        self._in_flight = [0] * lanes
        self._slots = [width or FIRST_SLOTS] * lanes
        self._vacancies = Vacancies(lanes, self._load)
        self._touched: set[int] = set()

    @property
    def load(self) -> Load:
        """How busy the lanes are; counts them all."""
        waiting = len(self._anywhere) + len(self._choosy)
        return Load(len(self._training), sum(map(len, self._training)), waiting)

    def take(self, orders: Iterable[Order]) -> None:
        """Orders to be placed; one whose trial a lane holds goes back there."""
        self._wait(zip(self._tickets, orders, strict=False))

    def drop(self, trials: Iterable[TrialId]) -> None:
        """Trials that will not be gone on with: the lane that holds one may forget it."""
        for trial in trials:
            lane = self._let_go(trial)
            if lane is not None:
                self._drops[lane].append(trial)
                self._touched.add(lane)

    def turns(self) -> Iterator[tuple[int, Turn]]:
        """The turns to send now: waiting orders are spread evenly over lanes with room, a fourth more than slots."""
        self._spread()
        for lane in sorted(self._touched):
            if self._in_flight[lane] < IN_FLIGHT and (self._training[lane] or self._drops[lane]):
                turn = Turn(tuple(self._new[lane]), tuple(self._drops[lane]))
                for order in self._new[lane]:
                    self._hold(order.trial.id, lane)
                self._new[lane], self._drops[lane] = [], []
                self._in_flight[lane] += 1
                yield lane, turn
            else:
                self._touched.discard(lane)

    def replied(self, lane: int, reply: Reply) -> None:
        """A turn came back: what was reported at its order's end waits, what has a result is gone."""
        self._in_flight[lane] -= 1
        if reply.slots is not None:
            self._slots[lane] = reply.slots
        for report in reply.reports:
            self._reported(lane, report)
        for result in reply.results:
            self._ended(lane, result)
        self._changed(lane)

    def lost(self, lane: int) -> list[TrialId]:
        """A lane died: the trials that it was training.

        What it was yet to be sent waits for another lane; what waited in it for its next order starts anew with that.
        """
        unsent = self._new[lane]
        lost = self._training[lane].keys() - {order.trial.id for order in unsent}
        for trial in list(self._held[lane]):
            self._let_go(trial)
        self._training[lane].clear()
        self._new[lane], self._drops[lane] = [], []
        self._in_flight[lane] = 0
        self._changed(lane)
        self._wait_first(unsent)
        return sorted(lost)

    def _wait(self, tickets: Iterable[Waiting]) -> None:
        """Queue orders, behind those of lower tickets."""
        for ticket, order in tickets:
            queue = self._choosy if self._is_choosy(order) else self._anywhere
            queue.append((ticket, order))

    def _wait_first(self, orders: Sequence[Order]) -> None:
        """Queue orders before all others; one whose holder is gone may go anywhere now."""
        self._first -= len(orders)
        waiting = sorted([*enumerate(orders, self._first), *self._anywhere, *self._choosy])
        self._anywhere, self._choosy = deque(), []
        self._wait(waiting)

    def _is_choosy(self, order: Order) -> bool:
        return order.trial.id in self._holder or _alone(order)

    def _spread(self) -> None:
        """Place what can be placed, in the order of the tickets."""
        choosy, self._choosy = self._choosy, []
        for ticket, order in choosy:
            self._fill(ticket)
            lane = self._lane_for(order)
            if lane is None:
                self._choosy.append((ticket, order))
            else:
                self._give(lane, order)
        self._fill(math.inf)

    def _fill(self, before: float) -> None:
        """Place the orders with lower tickets that any lane may take; the first that finds no room ends it."""
        while self._anywhere and self._anywhere[0][0] < before:
            emptiest = self._vacancies.emptiest()
            if emptiest is None:
                return
            self._give(emptiest[1], self._anywhere.popleft()[1])

    def _lane_for(self, order: Order) -> int | None:
        """The lane that holds the trial, else the emptiest one; None where the order has to wait for it."""
        holder = self._holder.get(order.trial.id)
        if holder is None:
            emptiest = self._vacancies.emptiest()
            return emptiest[1] if emptiest and not (_alone(order) and emptiest[0]) else None
        if _alone(order) or self._keeps_others_out(holder):
            return None if self._training[holder] else holder
        return holder

    def _load(self, lane: int) -> int | None:
        """Trials given to a lane; None where it takes no further one."""
        load, slots = len(self._training[lane]), self._slots[lane]
        return None if load >= slots + slots // 4 or self._keeps_others_out(lane) else load

    def _keeps_others_out(self, lane: int) -> bool:
        training = self._training[lane]
        return bool(training) and _alone(next(iter(training.values())))

    def _give(self, lane: int, order: Order) -> None:
        self._training[lane][order.trial.id] = order
        self._new[lane].append(order)
        self._changed(lane)

    def _changed(self, lane: int) -> None:
        self._touched.add(lane)
        self._vacancies.changed(lane)

    def _hold(self, trial: TrialId, lane: int) -> None:
        self._let_go(trial)
        self._holder[trial] = lane
        self._held[lane].add(trial)

    def _let_go(self, trial: TrialId) -> int | None:
        """The lane that held the trial, if one did."""
        lane = self._holder.pop(trial, None)
        if lane is not None:
            self._held[lane].discard(trial)
        return lane

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
            self._let_go(result.trial)


def _alone(order: Order) -> bool:
    """Whether a trial is trained without company."""
    return order.trial.attempt >= ATTEMPTS - 1
