"""Chooses the lane of each trial: the emptiest lane, or the one that holds the trial's state.

A trial that may bring its lanes down is trained alone, so that no other trial loses an attempt by it.
While one waits, a lane takes no other orders until it is empty.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from slalom.loop.lane_orders import IN_FLIGHT, LaneOrders
from slalom.loop.vacancy import Vacancies
from slalom.wire.trial import Turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from slalom.wire.trial import Order, Reply, Report, TrialId, TrialResult

    Waiting = tuple[int, Order]

FIRST_SLOTS = 16
"""Trials given to a lane before any lane has told its slots."""

GRACE_SECONDS = 120.0
"""The time that a lane which must be given back has to finish its orders; after that they start anew elsewhere."""


class Load(NamedTuple):
    """The numbers of open lanes, of orders that lanes have been given, and of orders that wait for room."""

    lanes: int
    training: int
    waiting: int


class Placement:
    """Keeps the orders that wait, the orders of every open lane, and which lane holds a trial's state.

    The cost of a call grows with what it changes, not with the number of lanes and orders.
    """

    def __init__(self, width: int | None) -> None:
        self.slots = width or FIRST_SLOTS
        self._ahead = IN_FLIGHT if width else 1
        self._tickets = count()
        self._first = 0
        self._anywhere: deque[Waiting] = deque()
        self._choosy: list[Waiting] = []
        self._lanes: dict[int, LaneOrders] = {}
        self._holder: dict[TrialId, int] = {}
        self._vacancies = Vacancies(self._load)
        self._touched: set[int] = set()
        self._leaving: set[int] = set()
        self._reserved: int | None = None
        self._free = 0
        self._freed = False

    @property
    def lanes(self) -> int:
        """The number of open lanes."""
        return len(self._lanes)

    @property
    def load(self) -> Load:
        """How busy the lanes are; its cost grows with the number of lanes."""
        return Load(self.lanes, sum(len(lane.training) for lane in self._lanes.values()), self._queued)

    @property
    def vacant(self) -> int:
        """How many trials the lanes would take beyond those that train or wait."""
        return max(0, self._free - self._queued)

    @property
    def _queued(self) -> int:
        return len(self._anywhere) + len(self._choosy)

    def take(self, orders: Iterable[Order]) -> None:
        """Queue orders to be placed; an order whose trial's state a lane holds goes to that lane."""
        self._wait(zip(self._tickets, orders, strict=False))

    def drop(self, trials: Iterable[TrialId]) -> None:
        """Tell lanes, with their next turns, to forget the state of these trials, which are over."""
        for trial in trials:
            lane = self._let_go(trial)
            if lane is not None:
                self._lanes[lane].drops.append(trial)
                self._touched.add(lane)

    def turns(self) -> Iterator[tuple[int, Turn]]:
        """The turns to send now, each with its lane's number: waiting orders are spread evenly over lanes with room."""
        self._spread()
        for number in sorted(self._touched):
            lane = self._lanes[number]
            if lane.in_flight < self._ahead and (lane.training or lane.drops):
                turn = Turn(tuple(lane.new), tuple(lane.drops))
                for order in lane.new:
                    self._hold(order.trial.id, number)
                lane.new, lane.drops = [], []
                lane.in_flight += 1
                yield number, turn
            else:
                self._touched.discard(number)

    def opened(self, number: int) -> None:
        """Add an empty lane."""
        self._lanes[number] = LaneOrders(self.slots)
        self._changed(number)

    def replied(self, number: int, reply: Reply) -> None:
        """Take in a turn's reply: a trial with a result leaves its lane, a trial at its order's `until` waits in it."""
        lane = self._lanes[number]
        before = len(lane.training)
        if reply.slots is not None:
            self.slots = reply.slots
            self._ahead = IN_FLIGHT
        for report in reply.reports:
            self._reported(lane, report)
        for result in reply.results:
            self._ended(lane, result)
        lane.replied(reply, before - len(lane.training))
        self._changed(number)

    def lost(self, number: int) -> list[TrialId]:
        """Remove a lane that died; gives the trials that it was training.

        Orders that were not sent wait for another lane. Trials that waited in it start anew with their next order.
        """
        lane = self._closed(number)
        self._wait_first(lane.new)
        return sorted(lane.training.keys() - {order.trial.id for order in lane.new})

    def leave(self, lanes: Iterable[int], now: float) -> None:
        """Give these lanes, which must be given back, no further orders. now: in seconds."""
        for number in lanes:
            lane = self._lanes[number]
            for order in lane.new:
                del lane.training[order.trial.id]
            unsent, lane.new = lane.new, []
            lane.leaving = now
            self._leaving.add(number)
            self._changed(number)
            self._wait_first(unsent)

    def left(self, now: float) -> list[int]:
        """Remove the lanes that can be given back now; orders not finished in time wait again, at no attempt's cost."""
        gone = [number for number in sorted(self._leaving) if self._may_go(self._lanes[number], now)]
        for number in gone:
            self._wait_first(list(self._closed(number).training.values()))
        return gone

    def _may_go(self, lane: LaneOrders, now: float) -> bool:
        late = lane.leaving is not None and now - lane.leaving > GRACE_SECONDS
        return late or not (lane.training or lane.in_flight)

    def _closed(self, number: int) -> LaneOrders:
        """Remove a lane, and forget which states it held."""
        lane = self._lanes.pop(number)
        for trial in lane.held:
            del self._holder[trial]
        self._freed = self._freed or bool(lane.held and self._choosy)
        self._free -= lane.free
        self._touched.discard(number)
        self._leaving.discard(number)
        return lane

    def _wait(self, tickets: Iterable[Waiting]) -> None:
        """Queue orders behind those with lower tickets."""
        for ticket, order in tickets:
            queue = self._choosy if self._is_choosy(order) else self._anywhere
            queue.append((ticket, order))

    def _wait_first(self, orders: Sequence[Order]) -> None:
        """Queue orders before all others."""
        self._first -= len(orders)
        first = list(enumerate(orders, self._first))
        self._choosy[:0] = [one for one in first if self._is_choosy(one[1])]
        self._anywhere.extendleft(one for one in reversed(first) if not self._is_choosy(one[1]))

    def _sort_anew(self) -> None:
        """Queue the waiting orders anew after lanes closed: orders that waited for one of these may go anywhere."""
        waiting = sorted([*self._anywhere, *self._choosy])
        self._anywhere, self._choosy, self._freed = deque(), [], False
        self._wait(waiting)

    def _is_choosy(self, order: Order) -> bool:
        return order.trial.id in self._holder or order.alone

    def _spread(self) -> None:
        """Place the waiting orders for which there is room, in the order of their tickets."""
        if self._freed:
            self._sort_anew()
        self._reserve(None)
        choosy, self._choosy = self._choosy, []
        for ticket, order in choosy:
            self._fill(ticket)
            lane = self._lane_for(order)
            if lane is not None:
                self._give(lane, order)
                continue
            self._choosy.append((ticket, order))
            if order.alone and self._reserved is None:
                self._reserve(self._holder.get(order.trial.id, self._emptiest))
        self._fill(math.inf)

    def _reserve(self, lane: int | None) -> None:
        """Keep this lane, and no other one, from the orders that any lane may take."""
        before, self._reserved = self._reserved, lane
        for number in (before, lane):
            if number in self._lanes:
                self._changed(number)

    @property
    def _emptiest(self) -> int | None:
        emptiest = self._vacancies.emptiest()
        return emptiest[1] if emptiest else None

    def _fill(self, before: float) -> None:
        """Place the orders with tickets below `before` that any lane may take, until there is no room."""
        while self._anywhere and self._anywhere[0][0] < before:
            emptiest = self._vacancies.emptiest()
            if emptiest is None:
                return
            self._give(emptiest[1], self._anywhere.popleft()[1])

    def _lane_for(self, order: Order) -> int | None:
        """The lane that holds the trial's state, else the emptiest one; None where the order has to wait."""
        holder = self._holder.get(order.trial.id)
        if holder is None:
            emptiest = self._vacancies.emptiest()
            return emptiest[1] if emptiest and not (order.alone and emptiest[0]) else None
        lane = self._lanes[holder]
        if lane.leaving is not None or (lane.training and (order.alone or lane.keeps_others_out)):
            return None
        return holder

    def _load(self, number: int) -> int | None:
        """How many orders a lane has; None where it takes no further one."""
        lane = self._lanes.get(number)
        return len(lane.training) if lane is not None and lane.free else None

    def _give(self, number: int, order: Order) -> None:
        lane = self._lanes[number]
        lane.training[order.trial.id] = order
        lane.new.append(order)
        self._changed(number)

    def _changed(self, number: int) -> None:
        lane = self._lanes[number]
        before, lane.free = lane.free, 0 if number == self._reserved else lane.takes()
        self._free += lane.free - before
        self._touched.add(number)
        self._vacancies.changed(number)

    def _hold(self, trial: TrialId, number: int) -> None:
        self._let_go(trial)
        self._holder[trial] = number
        self._lanes[number].held.add(trial)

    def _let_go(self, trial: TrialId) -> int | None:
        """Forget which lane holds the trial's state; gives that lane, or None."""
        number = self._holder.pop(trial, None)
        if number is not None:
            self._lanes[number].held.discard(trial)
        return number

    def _reported(self, lane: LaneOrders, report: Report) -> None:
        order = lane.training.get(report.trial)
        if order is None or report.attempt != order.trial.attempt:
            return
        if report.epoch == order.until < order.trial.epochs:
            del lane.training[report.trial]

    def _ended(self, lane: LaneOrders, result: TrialResult) -> None:
        order = lane.training.get(result.trial)
        if order is not None and result.attempt == order.trial.attempt:
            del lane.training[result.trial]
            self._let_go(result.trial)
