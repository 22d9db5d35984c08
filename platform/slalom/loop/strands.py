"""The orders that an arm has open, and which script goes on when they are answered."""

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

    open: the trials of which it awaits an answer; when there is none left, its next step is taken
    """

    script: Script
    search: SearchPlan | None
    open: set[TrialId] = field(default_factory=set)


class Strands:
    """The strands of an arm. Nothing is ordered of a trial that is not in training, since it has ended."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self._orders: dict[TrialId, Order] = {}
        self._strands: dict[TrialId, Strand] = {}
        self._due: list[Order] = []

    def __len__(self) -> int:
        """How many orders are open."""
        return len(self._orders)

    def get(self, trial: TrialId) -> Order | None:
        """The open order of a trial, if there is one."""
        return self._orders.get(trial)

    def due(self) -> list[Order]:
        """Orders that have come up since the last call."""
        due, self._due = self._due, []
        return due

    def begin(self, strand: Strand) -> bool:
        """Take the first steps of a strand; whether it is over at once, as one whose trials have all ended is."""
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
        """Order a trial's present attempt; for one that is open, once more."""
        order = self._attempts.order(order)
        self._orders[order.trial.id] = order
        self._due.append(order)

    def answered(self, trial: TrialId) -> Strand | None:
        """A trial's order is answered: take its strand's next steps; gives the strand if it is over."""
        del self._orders[trial]
        strand = self._strands.pop(trial)
        strand.open.remove(trial)
        return strand if self.begin(strand) else None
