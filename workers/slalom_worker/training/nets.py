"""A trial in training: its one net, or the members of its ensemble."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from slalom.wire.seeds import Seeds, derive
from slalom_worker.training.slot import Slot

if TYPE_CHECKING:
    from torch import Tensor

    from slalom.wire.trial import Order, Report, TrialSpec
    from slalom_worker.net.objective import Objective
    from slalom_worker.net.placed import PlacedSplit


@dataclass
class TrainedTrial:
    """A trial in training, with a slot for each of its nets.

    The slots are seated, parked and dropped together, so they are always in the same epoch.

    reports: what the trial has reported so far; kept only where it has checkpoints, which hold the reports
    saved: the epoch of its last checkpoint, 0 before the first
    told: the last epoch whose report was sent to the loop
    """

    order: Order
    slots: list[Slot]
    reports: list[Report] = field(default_factory=list)
    saved: int = 0
    told: int = 0

    @classmethod
    def start(cls, order: Order, objective: Objective) -> TrainedTrial:
        """The trial before its first epoch; InputError where it cannot be trained by its settings."""
        return cls(order, [Slot.start(own, objective) for own in member_orders(order)])

    @property
    def trial(self) -> TrialSpec:
        """The order's trial."""
        return self.order.trial

    @property
    def combine(self) -> str:
        """How the nets' outputs are combined: "mean" or "vote", or "none" where there is one net."""
        return str(self.trial.settings["ensemble"]["combine"])

    @property
    def split(self) -> PlacedSplit:
        """The split on which all of the trial's nets are trained and measured."""
        return self.slots[0].split

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""
        return self.slots[0].epoch

    @property
    def stop(self) -> int:
        """The number of epochs after which the trial reports, is judged or ends; see Slot.stop."""
        return self.slots[0].stop

    @property
    def complete(self) -> bool:
        """Whether all of the trial's epochs are trained."""
        return self.slots[0].complete

    @property
    def loss(self) -> float:
        """The mean loss over the last epoch's batches and over the nets; not finite where a net has diverged."""
        return sum(slot.loss for slot in self.slots) / len(self.slots)

    @property
    def best_parameters(self) -> Tensor:
        """The parameters [M, P] of the M nets that are measured and kept; see Slot.best_parameters."""
        return torch.stack([slot.best_parameters for slot in self.slots])

    @property
    def state(self) -> dict[str, Tensor]:
        """The M nets' state [M, ...] by name; see Forward.state."""
        each = [slot.state for slot in self.slots]
        return {name: torch.stack([one[name] for one in each]) for name in each[0]}

    @property
    def bags(self) -> list[Tensor]:
        """Each net's bag [n], see Slot.bag; empty without bagging."""
        return [slot.bag for slot in self.slots if slot.bag is not None]

    def passes(self, error: float) -> float:
        """The passes to the trial's target, given the present training error; see Slot.passes."""
        return self.slots[0].passes(error)

    def follow(self, order: Order) -> TrainedTrial:
        """Take an order for the same trial, and set every slot's `stop` by it."""
        self.order = order
        for slot, own in zip(self.slots, member_orders(order), strict=True):
            slot.follow(own)
        return self

    def can_follow(self, order: Order) -> bool:
        """Whether the order ends after the trial's present epoch, or the report of its end is known."""
        return self.epoch < order.until or any(report.epoch == order.until for report in self.reports)

    def owed(self) -> list[Report]:
        """The reports up to the order's end that were not sent to the loop, as reports of the present attempt."""
        owed = [report for report in self.reports if self.told < report.epoch <= self.order.until]
        self.told = max([self.told, *(report.epoch for report in owed)])
        return [replace(report, attempt=self.trial.attempt) for report in owed]

    def skip(self) -> None:
        """Set the epoch to `stop` where every net has stopped early: the epochs up to there change nothing."""
        if all(slot.stopped for slot in self.slots):
            for slot in self.slots:
                slot.epoch = slot.stop

    def park(self) -> TrainedTrial:
        """Copy every slot's tensors out of the pack, so that the pack's memory can be freed."""
        for slot in self.slots:
            slot.park()
        return self


def count_nets(trial: TrialSpec) -> int:
    """The number of slots that a trial takes: 1, or its ensemble's members."""
    return int(trial.settings["ensemble"].get("members", 1))


def member_orders(order: Order) -> list[Order]:
    """The order for each of a trial's nets.

    A trial that is no ensemble has the order itself; members of an ensemble have seeds derived from the trial's.
    """
    trial = order.trial
    if trial.settings["ensemble"]["combine"] == "none":
        return [order]
    seeds = [Seeds(*(derive(seed, "member", m) for seed in trial.seeds)) for m in range(count_nets(trial))]
    return [replace(order, trial=replace(trial, seeds=own)) for own in seeds]
