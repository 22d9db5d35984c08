"""RMSprop: the gradient is divided by the root of its running mean square.

    s <- smoothing * s + (1 - smoothing) * g^2;  w <- w - rate * g / (sqrt(s) + epsilon)

as torch.optim.RMSprop (whose alpha is `smoothing`). Source: Hinton 2012, Neural networks for machine
learning, lecture 6e.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import fraction, positive
from slalom_worker.optimizers.base import Block, Optimizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def mean_square(block: Block) -> Tensor:
    """Update the running mean square of the gradient, and return it [e, c]."""
    square = block.state["square"]
    return square.lerp_(block.gradient * block.gradient, block.columns["news"])


def descend(block: Block, square: Tensor) -> None:
    """Step along the gradient divided by the root of `square` [e, c]."""
    root = square.sqrt().add_(block.columns["epsilon"])
    block.parameters.addcdiv_(block.gradient.mul_(block.columns["rate"]), root, value=-1)


def update(block: Block) -> None:
    """Update the block by one step."""
    descend(block, mean_square(block))


def news(_step: Tensor, hyperparameters: Mapping[str, Tensor]) -> Tensor:
    """The weight [e] of this step's gradient in the running mean."""
    return 1 - hyperparameters["smoothing"]


RMSPROP = Optimizer(
    update,
    state=("square",),
    hyperparameters={"smoothing": fraction(0.99), "epsilon": positive(1e-8)},
    columns={"news": news},
)
