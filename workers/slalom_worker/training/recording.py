"""Gradient and curvature of each layer, which a study may record beside the metrics.

A layer is a module with parameters of its own; layers count from 1 at the inputs, in the order in which the net names
them. Recording changes no number of a trial, and a value that is not finite is left out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from slalom_worker.net.examples import side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

    from slalom.wire.trial import Metrics
    from slalom_worker.net.objective import Objective
    from slalom_worker.training.nets import TrainedTrial
    from slalom_worker.training.slot import Slot

CURVATURE_EXAMPLES = 500
"""Number of training examples, the first ones, from which recorded curvature is estimated."""


def note_gradients(objective: Objective, slots: Sequence[Slot], gradient: Tensor) -> None:
    """Write the gradients' sizes to `Slot.recorded` where a slot records them and reports after this epoch.

    "gradient.layer1" is the root of the mean square over the layer's parameters.
    gradient: the gradient of the epoch's last batch [E, P]
    """
    rows = [row for row, slot in enumerate(slots) if "gradient" in slot.trial.record and _reports(slot)]
    if rows:
        squares = gradient[rows].double().square()
        found = [mean.sqrt() for mean in _means(objective, squares)]
        for row, metrics in zip(rows, _named("gradient", found), strict=True):
            slots[row].recorded = metrics


def _reports(slot: Slot) -> bool:
    """Whether the slot reports after this epoch, and has not stopped early."""
    return slot.epoch + 1 >= slot.stop and not slot.stopped


def recorded(objective: Objective, trials: Sequence[TrainedTrial]) -> list[Metrics]:
    """The values that each trial records at a report, by name; of an ensemble, the mean over its members."""
    slots = [slot for trial in trials for slot in trial.slots]
    each = iter(_of_each(objective, slots))
    return [_mean([next(each) for _ in trial.slots]) for trial in trials]


def _of_each(objective: Objective, slots: Sequence[Slot]) -> list[Metrics]:
    """The values that each slot records, by name.

    "curvature.layer1" is the mean over the layer's parameters of the Gauss-Newton matrix's diagonal.
    """
    found: list[Metrics] = [slot.recorded for slot in slots]
    rows = [row for row, slot in enumerate(slots) if "curvature" in slot.trial.record]
    if rows:
        parameters = torch.stack([slots[row].best_parameters for row in rows])
        index = torch.arange(min(CURVATURE_EXAMPLES, objective.count), device=objective.device)
        part = side_by_side([slots[row].split.train for row in rows])
        curvature = objective.curvature(parameters, index.repeat(len(rows), 1), part)
        for row, metrics in zip(rows, _named("curvature", _means(objective, curvature.double())), strict=True):
            found[row] = {**found[row], **metrics}
    return found


def _mean(members: Sequence[Metrics]) -> Metrics:
    """For each name that all members have, the mean over the members."""
    shared = [name for name in members[0] if all(name in one for one in members)]
    return {name: sum(one[name] for one in members) / len(members) for name in shared}


def _means(objective: Objective, values: Tensor) -> list[Tensor]:
    """The means [e] of values [e, P] over each layer."""
    sizes = torch.bincount(objective.layer_of).tolist()
    return [part.sum(-1) / size for part, size in zip(torch.split(values, sizes, dim=-1), sizes, strict=True)]


def _named(name: str, layers: Iterable[Tensor]) -> list[dict[str, float]]:
    """The values [e] of each layer as metrics of each slot, such as "gradient.layer1"; without those not finite."""
    rows = torch.stack(list(layers), dim=1).tolist()
    return [
        {f"{name}.layer{layer}": value for layer, value in enumerate(row, 1) if math.isfinite(value)} for row in rows
    ]
