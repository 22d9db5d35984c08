"""One net in training: what a pack stacks, and what is kept while its trial waits for its verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from slalom_worker.emphasis import Standing
from slalom_worker.optimizers import OPTIMIZERS
from slalom_worker.training.presentation import Presentation, present, reads_net
from slalom_worker.training.streams import bag

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from torch import Tensor

    from slalom.wire.trial import Order, TrialSpec
    from slalom_worker.net.objective import Objective

SCALARS = ("step", "smoothed", "largest")


@dataclass
class Slot:
    """A net's state; copying its tensors out of a pack and into another changes no number.

    tensors: "parameters" [P], the optimizer's buffers [P], float64 scalars [] "step" (updates done), "smoothed" and
        "largest" (gradient norms) and the optimizer's own, and where its emphasis reads the net "misses" [n] (of the
        training examples, see emphasis.Standing)
    bag: the examples [n] that stand in place of the training examples, or None
    presentation: how the examples are presented in this epoch
    loss: of the last epoch's batches, the mean over the epoch
    stop: the epoch after which there is something to do about it
    recorded: what the last epoch kept for its report, beside the metrics
    """

    order: Order
    tensors: dict[str, Tensor]
    bag: Tensor | None
    presentation: Presentation
    epoch: int = 0
    loss: float = math.nan
    stop: int = 0
    recorded: dict[str, float] = field(default_factory=dict)

    @classmethod
    def start(cls, order: Order, objective: Objective) -> Slot:
        """A net before its first epoch; InputError, with the reason, where it cannot be trained as the trial asks."""
        settings = order.trial.settings
        parameters = objective.initial(order.trial.seeds.weights, settings["initialization"])
        tensors = {"parameters": parameters}
        optimizer = OPTIMIZERS[settings["optimizer"]]
        if optimizer.curvature or "curvature" in order.trial.record:
            _ = objective.chain  # raises where the net is no chain of layers
        tensors |= {name: torch.zeros_like(parameters) for name in optimizer.state}
        scalars = (*SCALARS, *optimizer.scalars)
        tensors |= {name: torch.zeros((), dtype=torch.float64, device=parameters.device) for name in scalars}
        labels = objective.data.train.labels
        if reads_net(settings["emphasis"]):
            tensors["misses"] = torch.zeros(len(labels), dtype=torch.float64, device=parameters.device)
        own = bag(order.trial.seeds.batches, len(labels)) if settings["ensemble"].get("bagging") else None
        return cls(order, tensors, own, present(settings["emphasis"], Standing.first(labels), own)).aim(order)

    def examples(self, order: Tensor) -> Tensor:
        """The training examples that an order stands for; unless it was drawn, it is one of the bag's entries."""
        return order if self.bag is None or self.presentation.cumulated is not None else self.bag[order]

    def look(self, wrong: Tensor, labels: np.ndarray) -> None:
        """Begin an epoch knowing which examples the net gets wrong [n]."""
        self.tensors["misses"] = torch.where(wrong, self.tensors["misses"] + 1, 0.0)
        standing = Standing(labels, self.tensors["misses"].cpu().numpy(), self.epoch)
        self.presentation = present(self.settings["emphasis"], standing, self.bag)

    @property
    def trial(self) -> TrialSpec:
        """The trial that is trained here; a member's has the member's seeds."""
        return self.order.trial

    @property
    def settings(self) -> Mapping[str, Any]:
        """The trial's settings, complete."""
        return self.order.trial.settings

    @property
    def found(self) -> Tensor:
        """The parameters [P] that the trial has come to: what is measured and kept."""
        return self.tensors[OPTIMIZERS[self.settings["optimizer"]].answer or "parameters"]

    def aim(self, order: Order) -> Slot:
        """Go on with an order, up to its end or to the next epoch to report."""
        self.order = order
        every = self.trial.report_every
        self.stop = min(order.until, self.trial.epochs, (self.epoch // every + 1) * every)
        return self

    @property
    def complete(self) -> bool:
        """Whether nothing is left to train."""
        return self.epoch >= self.trial.epochs

    def park(self) -> Slot:
        """Let go of the pack's memory."""
        self.tensors = {name: tensor.clone() for name, tensor in self.tensors.items()}
        return self
