"""The open orders of an arm, and which script goes on when they are answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slalom.loop.attempts import Attempts
    from slalom.loop.search_plan import Script, SearchPlan
    from slalom.wire.trial import Order, TrialId


@dataclass
class Strand:
    """A script under way: a part of a search, or where `search` is None the arm's last training.

    open: the trials with an order that is not answered; when there is none left, the next step is taken
    """

    script: Script
    search: SearchPlan | None
    open: set[TrialId] = field(default_factory=set)


class Strands:
    """The strands of an arm. A trial that is not in training has ended, and gets no order."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self._orders: dict[TrialId, Order] = {}
        self._strands: dict[TrialId, Strand] = {}
        self._due: list[Order] = []

    def __len__(self) -> int:
        """How many orders are open."""
        return len(self._orders)

    def get(self, trial: TrialId) -> Order | None:
        """The open order of a trial, or None."""
        return self._orders.get(trial)

    def due(self) -> list[Order]:
        """The orders that are new since the last call."""
        due, self._due = self._due, []
        return due

    def begin(self, strand: Strand) -> bool:
        """Take steps of a strand until an order is open; whether it ended first, since all its trials have ended."""
        while not strand.open:
            step = next(strand.script, None)
            if step is None:
                return True
            for order in step:
                if order.trial.id in self._attempts:
                    self._strands[order.trial.id] = strand
                    strand.open.add(order.trial.id)
                    self.give(order)
        return False

    def give(self, order: Order) -> None:
        """Order a trial's present attempt; an open order is given once more."""
        order = self._attempts.order(order)
        self._orders[order.trial.id] = order
        self._due.append(order)

    def answered(self, trial: TrialId) -> Strand | None:
        """Close a trial's order and, after the last of a step, take the next; gives the strand if that ends it."""
        del self._orders[trial]
        strand = self._strands.pop(trial)
        strand.open.remove(trial)
        return strand if self.begin(strand) else None
