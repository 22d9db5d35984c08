"""What an optimizer is to a pack: an elementwise update of its own slots, hyperparameters as columns.

Files here call tensors' methods only and import torch for annotations alone, so that the study file's
checker can read the tables without loading torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from slalom.settings import Kind


class Slots(NamedTuple):
    """The range of a pack that one optimizer updates: e slots of P parameters each.

    parameters, gradient: [e, P]; the update may overwrite both
    state: one [e, P] tensor for each name in `Optimizer.state`, zero when a trial is admitted
    rate: [e, 1] learning rate of this step, schedule included
    momentum: [e, 1] momentum of this step, schedule included
    step: [e, 1] float64, the slot's own count of updates, this one included (1 at the first)
    hyperparameters: [e, 1] for each name in `Optimizer.hyperparameters`
    """

    parameters: Tensor
    gradient: Tensor
    state: Mapping[str, Tensor]
    rate: Tensor
    momentum: Tensor
    step: Tensor
    hyperparameters: Mapping[str, Tensor]


@dataclass(frozen=True)
class Optimizer:
    """One way of turning gradients into steps.

    hyperparameters: what a study may set or search, beyond learning rate, weight decay and momentum
    momentum: the default momentum, or None where the method has none to set
    state: names of the per-parameter buffers
    update: changes `Slots.parameters` and `Slots.state` in place; row i depends on row i only
    """

    update: Callable[[Slots], None]
    state: tuple[str, ...]
    hyperparameters: Mapping[str, Kind]
    momentum: float | None = None
