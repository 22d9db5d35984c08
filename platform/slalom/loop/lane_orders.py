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
    spent: orders that ended in the lane's last turn
    together: whether the lane's first trials train and none has ended, or None before any trains
    leaving: since when the lane is to be given back, in seconds, or None
    """

    slots: int
    training: dict[TrialId, Order] = field(default_factory=dict)
    held: set[TrialId] = field(default_factory=set)
    new: list[Order] = field(default_factory=list)
    drops: list[TrialId] = field(default_factory=list)
    in_flight: int = 0
    free: int = 0
    spent: int = 0
    together: bool | None = None
    leaving: float | None = None

    @property
    def keeps_others_out(self) -> bool:
        """Whether the lane trains a trial that must be alone."""
        return bool(self.training) and next(iter(self.training.values())).alone

    def takes(self) -> int:
        """Further trials that the lane takes, up to its slots and a fourth more, or as many as turns ahead may end.

        Trials that began together may end together. What may end is not asked for before the first turn is trained,
        since other lanes, which open a little later, need trials too.
        """
        if self.leaving is not None or self.keeps_others_out:
            return 0
        ending = self.slots if self.together else IN_FLIGHT * self.spent
        return max(0, self.slots + max(self.slots // 4, ending) - len(self.training))

    def replied(self, reply: Reply, ended: int) -> None:
        """Note what a turn did. ended: how many of the lane's orders ended in it."""
        if reply.slots is not None:
            self.slots = reply.slots
        self.in_flight -= 1
        self.spent = ended
        if self.together is not False and (reply.effort.trained or ended):
            self.together = not ended
