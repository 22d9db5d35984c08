"""What an optimizer is to a pack: an update of blocks of parameters, each row with its own slot's hyperparameters.

The files here only call tensors' methods and import torch for annotations alone, so that the study file's checker can
read the tables without loading torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from slalom.wire.kinds import Kind

    Columns = Mapping[str, Tensor]


class Block(NamedTuple):
    """What an optimizer updates at once: c parameters of each of e slots.

    parameters, gradient: [e, c]; the update may overwrite both
    state: a tensor [e, c] for each name in `Optimizer.state` and a tensor [e, 1] float64 for each in
        `Optimizer.scalars`; zero before a trial's first update
    columns: a tensor [e, 1] for each hyperparameter, each of `Optimizer.columns`, and the step's scheduled "rate" and
        "momentum"; "rate" is [e, c] where layers have rates of their own
    loss: the loss whose gradient this is, weight decay included, [e, 1] float64; zero unless `Optimizer.whole`
    data_loss: the loss without weight decay, [e, 1] float64; an update with an `Optimizer.answer` overwrites it with
        the answer's
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

    update: changes `Block.parameters` and `Block.state` in place; an element depends on its own place and slot alone,
        or on its own slot where the optimizer is `whole`
    state: names of the buffers with an element for each parameter
    hyperparameters: what a study may set or search, beside learning rate, weight decay and momentum
    momentum: the default momentum, or None where the method has none to set
    columns: values that depend on the number of the update, computed once an epoch: functions from that number
        [steps, e], 1 at the trial's first update, and the hyperparameters [e] to [steps, e] or [e], all float64
    decoupled: whether weight decay shrinks the parameters by rate * decay apart from the step, not by the gradient
    whole: whether a block holds all parameters of its slots, and the loss
    scalars: names of the buffers with one number for each slot
    answer: name of the buffer that holds the best parameters so far, where `Block.parameters` are only being tried
    curvature: whether the pack, before each epoch, writes the diagonal of the Gauss-Newton matrix to the buffer
        "curvature", estimated from as many examples as the hyperparameter "sample" says
    full_batch: why the method needs all examples in every step, or None where it does not
    """

    update: Callable[[Block], None]
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
