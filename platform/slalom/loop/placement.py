"""Which lane trains which trial: the emptiest one, or the one that holds the trial's state.

A trial that may bring its lanes down is trained alone, so that it takes no others with it.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from slalom.loop.vacancy import Vacancies
from slalom.wire.trial import Turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from slalom.wire.trial import Order, Reply, Report, TrialId, TrialResult

    Waiting = tuple[int, Order]

IN_FLIGHT = 2
"""Turns a lane is sent ahead, so that it never waits for the loop."""

FIRST_SLOTS = 16
"""Trials given to a lane that has not yet said how many it trains at once."""

GRACE_SECONDS = 120.0
"""In which a lane that must be given back may bring its orders to their end; after that they start anew elsewhere."""


class Load(NamedTuple):
    """Open lanes, trials that they have been given and train, and orders that wait for room."""

    lanes: int
    training: int
    waiting: int


@dataclass(slots=True)
class _Lane:
    """What is known of a lane.

    training: the orders it has, sent or not; held: trials whose state lies there; new, drops: what its next turn brings
    free: trials that it takes beside those
    spent: orders that came to their end in its last turn
    leaving: when it was to be given back, or None
    """

    slots: int
    training: dict[TrialId, Order] = field(default_factory=dict)
    held: set[TrialId] = field(default_factory=set)
    new: list[Order] = field(default_factory=list)
    drops: list[TrialId] = field(default_factory=list)
    in_flight: int = 0
    free: int = 0
    spent: int = 0
    leaving: float | None = None

    @property
    def keeps_others_out(self) -> bool:
        """Whether it trains a trial that must be alone."""
        return bool(self.training) and next(iter(self.training.values())).alone

    def takes(self) -> int:
        """Trials that it takes beside those it has: its slots, and a fourth more, or what the turns ahead will end."""
        if self.leaving is not None or self.keeps_others_out:
            return 0
        return max(0, self.slots + max(self.slots // 4, IN_FLIGHT * self.spent) - len(self.training))


class Placement:
    """The orders that wait, what every open lane trains, and where the state of a trial lies.

    What a call costs grows with what it changes, not with the lanes and the orders that there are.
    """

    def __init__(self, width: int | None) -> None:
        self.slots = width or FIRST_SLOTS
        self._tickets = count()
        self._first = 0
        self._anywhere: deque[Waiting] = deque()
        self._choosy: list[Waiting] = []
        self._lanes: dict[int, _Lane] = {}
        self._holder: dict[TrialId, int] = {}
        self._vacancies = Vacancies(self._load)
        self._touched: set[int] = set()
        self._leaving: set[int] = set()
        self._free = 0
        self._freed = False

    @property
    def lanes(self) -> int:
        """Open ones."""
        return len(self._lanes)

    @property
    def load(self) -> Load:
        """How busy the lanes are; counts them all."""
        return Load(self.lanes, sum(len(lane.training) for lane in self._lanes.values()), self._queued)

    @property
    def vacant(self) -> int:
        """Trials that the lanes would take beside those that train and wait."""
        return max(0, self._free - self._queued)

    @property
    def _queued(self) -> int:
        return len(self._anywhere) + len(self._choosy)

    def take(self, orders: Iterable[Order]) -> None:
        """Orders to be placed; one whose trial a lane holds goes back there."""
        self._wait(zip(self._tickets, orders, strict=False))

    def drop(self, trials: Iterable[TrialId]) -> None:
        """Trials that will not be gone on with: the lane that holds one may forget it."""
        for trial in trials:
            lane = self._let_go(trial)
            if lane is not None:
                self._lanes[lane].drops.append(trial)
                self._touched.add(lane)

    def turns(self) -> Iterator[tuple[int, Turn]]:
        """The turns to send now: waiting orders are spread evenly over lanes with room."""
        self._spread()
        for number in sorted(self._touched):
            lane = self._lanes[number]
            if lane.in_flight < IN_FLIGHT and (lane.training or lane.drops):
                turn = Turn(tuple(lane.new), tuple(lane.drops))
                for order in lane.new:
                    self._hold(order.trial.id, number)
                lane.new, lane.drops = [], []
                lane.in_flight += 1
                yield number, turn
            else:
                self._touched.discard(number)

    def opened(self, number: int) -> None:
        """A lane is there, empty."""
        self._lanes[number] = _Lane(self.slots)
        self._changed(number)

    def replied(self, number: int, reply: Reply) -> None:
        """A turn came back: what was reported at its order's end waits, what has a result is gone."""
        lane = self._lanes[number]
        lane.in_flight -= 1
        before = len(lane.training)
        if reply.slots is not None:
            lane.slots = self.slots = reply.slots
        for report in reply.reports:
            self._reported(lane, report)
        for result in reply.results:
            self._ended(lane, result)
        lane.spent = before - len(lane.training)
        self._changed(number)

    def lost(self, number: int) -> list[TrialId]:
        """A lane died: the trials that it was training.

        What it was yet to be sent waits for another lane; what waited in it for its next order starts anew with that.
        """
        lane = self._closed(number)
        self._wait_first(lane.new)
        return sorted(lane.training.keys() - {order.trial.id for order in lane.new})

    def leave(self, lanes: Iterable[int], now: float) -> None:
        """Lanes that must be given back: they get no further orders. now: in seconds."""
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
        """Lanes that can be given back now; orders that took them too long wait for others, at no attempt's cost."""
        gone = [number for number in sorted(self._leaving) if self._may_go(self._lanes[number], now)]
        for number in gone:
            self._wait_first(list(self._closed(number).training.values()))
        return gone

    def _may_go(self, lane: _Lane, now: float) -> bool:
        empty = not lane.training and not lane.in_flight
        return empty or (lane.leaving is not None and now - lane.leaving > GRACE_SECONDS)

    def _closed(self, number: int) -> _Lane:
        """Forget a lane, and what it held."""
        lane = self._lanes.pop(number)
        for trial in lane.held:
            del self._holder[trial]
        self._freed = self._freed or bool(lane.held and self._choosy)
        self._free -= lane.free
        self._touched.discard(number)
        self._leaving.discard(number)
        return lane

    def _wait(self, tickets: Iterable[Waiting]) -> None:
        """Queue orders, behind those of lower tickets."""
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
        """Lanes closed: an order that waited for one of them may go anywhere now."""
        waiting = sorted([*self._anywhere, *self._choosy])
        self._anywhere, self._choosy, self._freed = deque(), [], False
        self._wait(waiting)

    def _is_choosy(self, order: Order) -> bool:
        return order.trial.id in self._holder or order.alone

    def _spread(self) -> None:
        """Place what can be placed, in the order of the tickets."""
        if self._freed:
            self._sort_anew()
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
            return emptiest[1] if emptiest and not (order.alone and emptiest[0]) else None
        lane = self._lanes[holder]
        if lane.leaving is not None or (lane.training and (order.alone or lane.keeps_others_out)):
            return None
        return holder

    def _load(self, number: int) -> int | None:
        """Trials given to a lane; None where it takes no further one."""
        lane = self._lanes.get(number)
        return len(lane.training) if lane is not None and lane.free else None

    def _give(self, number: int, order: Order) -> None:
        lane = self._lanes[number]
        lane.training[order.trial.id] = order
        lane.new.append(order)
        self._changed(number)

    def _changed(self, number: int) -> None:
        lane = self._lanes[number]
        before, lane.free = lane.free, lane.takes()
        self._free += lane.free - before
        self._touched.add(number)
        self._vacancies.changed(number)

    def _hold(self, trial: TrialId, number: int) -> None:
        self._let_go(trial)
        self._holder[trial] = number
        self._lanes[number].held.add(trial)

    def _let_go(self, trial: TrialId) -> int | None:
        """The lane that held the trial, if one did."""
        number = self._holder.pop(trial, None)
        if number is not None:
            self._lanes[number].held.discard(trial)
        return number

    def _reported(self, lane: _Lane, report: Report) -> None:
        order = lane.training.get(report.trial)
        if order is None or report.attempt != order.trial.attempt:
            return
        if report.epoch == order.until < order.trial.epochs:
            del lane.training[report.trial]

    def _ended(self, lane: _Lane, result: TrialResult) -> None:
        order = lane.training.get(result.trial)
        if order is not None and result.attempt == order.trial.attempt:
            del lane.training[result.trial]
            self._let_go(result.trial)
