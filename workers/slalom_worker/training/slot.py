"""One net in training: its state in a pack, or while its trial waits to be judged."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from slalom.errors import InputError
from slalom_worker.emphasis import ExampleState
from slalom_worker.metrics.passes import passes
from slalom_worker.training.presentation import Presentation, present
from slalom_worker.training.streams import bag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from slalom.wire.trial import Order, TrialSpec
    from slalom_worker.emphasis import Emphasis
    from slalom_worker.methods import Methods
    from slalom_worker.net.objective import Objective
    from slalom_worker.net.placed import PlacedSplit
    from slalom_worker.optimizers import Optimizer

SCALARS = ("step", "smoothed", "largest")
"""Names of the scalars of a slot's clock, see Slot.tensors."""

NET = "net."
"""Prefix of the names of the net's state among a slot's tensors."""

KEPT = "stopping.net."
"""Prefix of the names of the net's state that belongs to the parameters with the least validation loss so far."""


@dataclass
class Slot:
    """The state of one net. Copying its tensors from one pack to another changes no number.

    order: what to train; a member of an ensemble has an order with seeds of its own
    methods: the methods that the settings name
    tensors: "parameters" [P] and the optimizer's buffers [P]; float64 scalars [], namely "step" (updates done),
        "smoothed" and "largest" (norms of the gradient) and the optimizer's own; the net's state (see Forward.state),
        each tensor as "net." and its name; where the emphasis reads the net, "misses" [n] of the training examples (see
        emphasis.ExampleState); with early stopping, "stopping.kept" [P], the parameters with the least validation loss
        so far, their state, each tensor as "stopping.net." and its name, "stopping.best", that loss, and
        "stopping.waited", epochs since; where passes are counted, "passes.reached", 0 until the target is reached, and
        "passes.told" [2], the epoch and the training error of the last report
    bag: the training examples [n] that the net is trained on, drawn with replacement, or None for all of them
    split: the split that the trial is trained and measured on
    presentation: how the examples are presented in this epoch
    epoch: epochs trained so far
    loss: the mean loss over the last epoch's batches
    stop: the number of epochs after which the trial next reports, is judged or ends
    recorded: the gradients' sizes that were recorded for the last report
    """

    order: Order
    methods: Methods
    tensors: dict[str, Tensor]
    bag: Tensor | None
    split: PlacedSplit
    presentation: Presentation
    epoch: int = 0
    loss: float = math.nan
    stop: int = 0
    recorded: dict[str, float] = field(default_factory=dict)

    @classmethod
    def start(cls, order: Order, objective: Objective) -> Slot:
        """The net before its first epoch; InputError, with the reason, where its settings cannot be followed."""
        settings = order.trial.settings
        parameters = objective.initial(order.trial.seeds.weights, settings["initialization"])
        tensors = {"parameters": parameters}
        methods = objective.methods
        optimizer, emphasis = methods.optimizer[settings["optimizer"]], methods.emphasis[settings["emphasis"]["scheme"]]
        if optimizer.curvature or "curvature" in order.trial.record:
            _ = objective.chain  # raises where the net is no chain of layers
        changing = objective.forward.changing
        if optimizer.answer is not None and changing:
            raise InputError(
                f"model: its buffer {min(changing)} changes in training and goes with the weights of that step, but "
                f"{settings['optimizer']} answers with other weights"
            )
        state = objective.initial_state(order.trial.seeds.weights)
        tensors |= {NET + name: tensor for name, tensor in state.items()}
        tensors |= {name: torch.zeros_like(parameters) for name in optimizer.state}
        scalars = (*SCALARS, *optimizer.scalars)
        tensors |= {name: torch.zeros((), dtype=torch.float64, device=parameters.device) for name in scalars}
        split = objective.split(order.trial.split)
        labels = split.labels
        if emphasis.reads_net:
            tensors["misses"] = torch.zeros(len(labels), dtype=torch.float64, device=parameters.device)
        if settings["early_stopping"]["by"] != "none":
            tensors["stopping.kept"] = parameters.clone()
            tensors |= {KEPT + name: tensor.clone() for name, tensor in state.items()}
            tensors["stopping.best"] = torch.full((), math.inf, dtype=torch.float64)
            tensors["stopping.waited"] = torch.zeros((), dtype=torch.float64)
        if order.trial.target is not None:
            tensors["passes.reached"] = torch.zeros((), dtype=torch.float64)
            tensors["passes.told"] = torch.zeros(2, dtype=torch.float64)
        own = bag(order.trial.seeds.batches, len(labels)) if settings["ensemble"].get("bagging") else None
        slot = cls(order, methods, tensors, own, split, Presentation()).follow(order)
        slot.present()
        return slot

    def examples(self, order: Tensor) -> Tensor:
        """The training examples [n] that an order [n] from `streams.order` stands for.

        With a bag, a permutation is of the bag's entries. Draws by probabilities are training examples already.
        """
        return order if self.bag is None or self.presentation.cumulated is not None else self.bag[order]

    def note_misses(self, wrong: Tensor) -> None:
        """Update the misses when an epoch begins; wrong: whether the net puts each example in the wrong class [n]."""
        self.tensors["misses"] = torch.where(wrong, self.tensors["misses"] + 1, 0.0)

    def present(self) -> None:
        """Set the presentation of the epoch that begins, by the emphasis, the misses and the epoch's number."""
        state = ExampleState.first(self.split.labels)._replace(epoch=self.epoch)
        if self.emphasis.reads_net:
            state = state._replace(misses=self.tensors["misses"].cpu().numpy())
        self.presentation = present(self.emphasis, self.settings["emphasis"], state, self.bag)

    def note_validation(self, loss: float) -> None:
        """Keep the parameters where the validation loss after an epoch is the least so far; else count the epoch."""
        if loss < float(self.tensors["stopping.best"]):
            self.tensors["stopping.kept"].copy_(self.tensors["parameters"])
            for name, tensor in self._state(NET).items():
                self.tensors[KEPT + name].copy_(tensor)
            self.tensors["stopping.best"].fill_(loss)
            self.tensors["stopping.waited"].zero_()
        else:
            self.tensors["stopping.waited"].add_(1)

    def passes(self, error: float) -> float:
        """The passes after which the training error first came down to the trial's target.

        error: the present training error, which is kept for the next report
        Before the target is reached the value is the epochs so far plus the error, so that less error is better. Raises
        RuntimeError where the trial has no target.
        """
        if self.trial.target is None:
            raise RuntimeError("passes are counted where a trial has a target, but it has none")
        reached, told = self.tensors["passes.reached"], self.tensors["passes.told"]
        if not reached:
            epoch, above = told.tolist()
            before = (int(epoch), above) if epoch else None
            found = passes(self.trial.target, self.epoch, error, before)
            told.copy_(told.new_tensor([self.epoch, error]))
            if found is None:
                return self.epoch + error
            reached.fill_(found)
        return float(reached)

    @property
    def stops_early(self) -> bool:
        """Whether the trial uses early stopping, so that the net with the least validation loss is measured."""
        return "stopping.kept" in self.tensors

    @property
    def stopped(self) -> bool:
        """Whether the net has stopped early, so that its measured parameters change no more."""
        return (
            self.stops_early and float(self.tensors["stopping.waited"]) >= self.settings["early_stopping"]["patience"]
        )

    @property
    def trial(self) -> TrialSpec:
        """The order's trial; for a member of an ensemble, with the member's seeds."""
        return self.order.trial

    @property
    def settings(self) -> Mapping[str, Any]:
        """The trial's settings: a value for everything that a study can set."""
        return self.order.trial.settings

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer that the settings name."""
        return self.methods.optimizer[self.settings["optimizer"]]

    @property
    def emphasis(self) -> Emphasis:
        """The emphasizing scheme that the settings name."""
        return self.methods.emphasis[self.settings["emphasis"]["scheme"]]

    def shuffled_at(self, ahead: int = 0) -> int:
        """The epoch that names this epoch's order of examples: itself, or 0 where the order is shuffled once.

        ahead: 1 for the next epoch's
        """
        return 0 if self.settings["order"] == "once" else self.epoch + ahead

    @property
    def best_parameters(self) -> Tensor:
        """The parameters [P] that are measured: those in training, an optimizer's answer, or the best by validation."""
        if self.stops_early:
            return self.tensors["stopping.kept"]
        return self.tensors[self.optimizer.answer or "parameters"]

    @property
    def state(self) -> dict[str, Tensor]:
        """The state of the net that is measured, by name; see Forward.state."""
        return self._state(KEPT if self.stops_early else NET)

    def _state(self, prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): part for name, part in self.tensors.items() if name.startswith(prefix)}

    def follow(self, order: Order) -> Slot:
        """Take an order for the same trial; set `stop` to the order's end or the next report, whichever comes first."""
        self.order = order
        every = self.trial.report_every
        self.stop = min(order.until, self.trial.epochs, (self.epoch // every + 1) * every)
        return self

    @property
    def complete(self) -> bool:
        """Whether all of the trial's epochs are trained."""
        return self.epoch >= self.trial.epochs

    def park(self) -> Slot:
        """Copy the tensors out of the pack, so that the pack's memory can be freed."""
        self.tensors = {name: tensor.clone() for name, tensor in self.tensors.items()}
        return self
