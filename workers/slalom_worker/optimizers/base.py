"""What an optimizer is to a pack: an elementwise update of its own slots, numbers of a slot as columns.

Files here call tensors' methods only and import torch for annotations alone, so that the study file's
checker can read the tables without loading torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from slalom.wire.kinds import Kind

    Columns = Mapping[str, Tensor]


class Slots(NamedTuple):
    """A block of the pack that one optimizer updates: c parameters of e slots each.

    parameters, gradient: [e, c]; the update may overwrite both
    state: one [e, c] tensor for each name in `Optimizer.state`, and one [e, 1] float64 for each in `Optimizer.scalars`;
        zero when a trial is admitted
    columns: [e, 1] for each hyperparameter and each of `Optimizer.columns`, and the step's "rate" and "momentum",
        schedules included; "rate" may be [e, c], where layers have rates of their own
    loss: [e, 1] float64, the loss whose gradient it is, weight decay included; of `Optimizer.whole` alone, else zero
    data_loss: [e, 1] float64, the same without weight decay; an update with an `Optimizer.answer` replaces it by its
        answer's
    """

    parameters: Tensor
    gradient: Tensor
    state: Mapping[str, Tensor]
    columns: Columns
    loss: Tensor
    data_loss: Tensor


@dataclass(frozen=True)
class Optimizer:
    """One way of turning gradients into steps.

    hyperparameters: what a study may set or search, beyond learning rate, weight decay and momentum
    momentum: the default momentum, or None where the method has none to set
    state: names of the per-parameter buffers
    update: changes `Slots.parameters` and `Slots.state` in place; every element depends on its own place and slot only,
        and where the optimizer is `whole`, on its own slot
    columns: what the update needs of a slot's own clock, worked out once an epoch: from the number of the update
        [steps, e], 1 at the trial's first, and the hyperparameters [e] to [steps, e] or [e], all float64
    decoupled: weight decay shrinks the parameters by rate * decay beside the step, instead of joining the gradient
    whole: the update sees all parameters of a slot at once, and the loss
    scalars: names of the buffers that are one number for each slot
    answer: the buffer that holds the parameters found so far, where those in training are only being tried
    curvature: the pack fills its buffer "curvature" at the beginning of each epoch: with the Gauss-Newton matrix's
        diagonal on as many examples as its hyperparameter "sample" says
    full_batch: it makes sense with all examples in every step alone; why not otherwise
    """

    update: Callable[[Slots], None]
    state: tuple[str, ...]
    hyperparameters: Mapping[str, Kind]
    momentum: float | None = None
    columns: Mapping[str, Callable[[Tensor, Columns], Tensor]] = field(default_factory=dict)
    decoupled: bool = False
    whole: bool = False
    scalars: tuple[str, ...] = ()
    answer: str | None = None
    curvature: bool = False
    full_batch: str | None = None
