"""The orders of one lane, and how many more it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slalom.wire.trial import Order, Reply, TrialId

IN_FLIGHT = 2
"""Turns that a lane is sent ahead, so that it never waits for the loop; one before any lane has told its slots."""


@dataclass(slots=True)
class LaneOrders:
    """What is known of a lane.

    training: the lane's orders, sent or not; held: trials whose state lies in the lane
    new, drops: orders and dropped trials of the lane's next turn; free: further trials that the lane takes
    soon: how many orders may end before the loop hears of it; fresh: whether none has ended yet
    leaving: since when the lane is to be given back, in seconds, or None
    """

    slots: int
    training: dict[TrialId, Order] = field(default_factory=dict)
    held: set[TrialId] = field(default_factory=set)
    new: list[Order] = field(default_factory=list)
    drops: list[TrialId] = field(default_factory=list)
    in_flight: int = 0
    free: int = 0
    soon: int = 0
    fresh: bool = True
    leaving: float | None = None

    @property
    def keeps_others_out(self) -> bool:
        """Whether the lane trains a trial that must be alone."""
        return bool(self.training) and next(iter(self.training.values())).alone

    def takes(self) -> int:
        """Further trials that the lane takes: up to its slots and a fourth more, or those that may end soon."""
        if self.leaving is not None or self.keeps_others_out:
            return 0
        return max(0, self.slots + max(self.slots // 4, self.soon) - len(self.training))

    def replied(self, reply: Reply, ended: int) -> None:
        """Note what a turn did. ended: how many of the lane's orders ended in it.

        As many may end in each turn ahead. Of the first trials, which begin together, all that train to a rung may end
        in one turn. Before any has trained nothing more is asked for: a lane that opens later needs trials too.
        """
        if reply.slots is not None:
            self.slots = reply.slots
        self.in_flight -= 1
        self.fresh = self.fresh and not ended
        self.soon = IN_FLIGHT * ended
        if self.fresh and reply.effort.trained:
            to_a_rung = sum(order.until < order.trial.epochs for order in self.training.values())
            self.soon = min(self.slots, to_a_rung)
