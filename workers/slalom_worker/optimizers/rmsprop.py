"""RMSprop: the gradient divided by the root of its running mean square.

    s <- smoothing * s + (1 - smoothing) * g^2;  w <- w - rate * g / (sqrt(s) + epsilon)

as torch.optim.RMSprop (whose alpha is `smoothing`). Source: Hinton 2012, Neural networks for machine
learning, lecture 6e.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import fraction, positive
from slalom_worker.optimizers.base import Optimizer, Slots

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def mean_square(slots: Slots) -> Tensor:
    """The running mean square [e, c] after this step's gradient."""
    square = slots.state["square"]
    return square.lerp_(slots.gradient * slots.gradient, slots.columns["news"])


def descend(slots: Slots, square: Tensor) -> None:
    """The step along the gradient over the root of `square` [e, c]."""
    root = square.sqrt().add_(slots.columns["epsilon"])
    slots.parameters.addcdiv_(slots.gradient.mul_(slots.columns["rate"]), root, value=-1)


def update(slots: Slots) -> None:
    """One step."""
    descend(slots, mean_square(slots))


def news(_step: Tensor, hyperparameters: Mapping[str, Tensor]) -> Tensor:
    """The weight [e] of this step's gradient in the running mean."""
    return 1 - hyperparameters["smoothing"]


RMSPROP = Optimizer(
    update,
    state=("square",),
    hyperparameters={"smoothing": fraction(0.99), "epsilon": positive(1e-8)},
    columns={"news": news},
)
