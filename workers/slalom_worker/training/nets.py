"""A trial's nets in training: one, or an ensemble's members side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from slalom.wire.seeds import Seeds, derive
from slalom_worker.training.slot import Slot

if TYPE_CHECKING:
    from torch import Tensor

    from slalom.wire.trial import Order, TrialSpec
    from slalom_worker.net.objective import Objective


@dataclass
class Nets:
    """A trial in training. Its nets are seated, parked and dropped together, so they are always in the same epoch."""

    order: Order
    slots: list[Slot]

    @classmethod
    def start(cls, order: Order, objective: Objective) -> Nets:
        """A trial before its first epoch."""
        return cls(order, [Slot.start(own, objective) for own in member_orders(order)])

    @property
    def trial(self) -> TrialSpec:
        """The trial that is trained here."""
        return self.order.trial

    @property
    def combine(self) -> str:
        """How the nets' answers are put together: "mean" or "vote", or "none" where there is one net."""
        return str(self.trial.settings["ensemble"]["combine"])

    @property
    def epoch(self) -> int:
        """Epochs that lie behind it."""
        return self.slots[0].epoch

    @property
    def stop(self) -> int:
        """The epoch after which there is something to do about it."""
        return self.slots[0].stop

    @property
    def complete(self) -> bool:
        """Whether nothing is left to train."""
        return self.slots[0].complete

    @property
    def loss(self) -> float:
        """Of the last epoch's batches, the mean over the nets; not finite where one of them has diverged."""
        return sum(slot.loss for slot in self.slots) / len(self.slots)

    @property
    def found(self) -> Tensor:
        """The parameters [M, P] that the nets have come to."""
        return torch.stack([slot.found for slot in self.slots])

    @property
    def bags(self) -> list[Tensor]:
        """Each net's bag [n]; empty without bagging."""
        return [slot.bag for slot in self.slots if slot.bag is not None]

    def aim(self, order: Order) -> Nets:
        """Go on with an order, up to its end or to the next epoch to report."""
        self.order = order
        for slot, own in zip(self.slots, member_orders(order), strict=True):
            slot.aim(own)
        return self

    def park(self) -> Nets:
        """Let go of the pack's memory."""
        for slot in self.slots:
            slot.park()
        return self


def count_nets(trial: TrialSpec) -> int:
    """How many slots the trial takes."""
    return int(trial.settings["ensemble"].get("members", 1))


def member_orders(order: Order) -> list[Order]:
    """The order to each net, which has seeds of its own where it is a member of an ensemble."""
    trial = order.trial
    if trial.settings["ensemble"]["combine"] == "none":
        return [order]
    seeds = [Seeds(*(derive(seed, "member", m) for seed in trial.seeds)) for m in range(count_nets(trial))]
    return [replace(order, trial=replace(trial, seeds=own)) for own in seeds]
