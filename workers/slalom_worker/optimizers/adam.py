"""Adam: RMSprop with a momentum of its own, both corrected for starting at zero.

    m <- beta1 * m + (1 - beta1) * g;  s <- beta2 * s + (1 - beta2) * g^2
    w <- w - rate * (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + epsilon)

as torch.optim.Adam. The corrections are taken in float64: 1 - 0.999^t loses digits in float32.
Source: Kingma and Ba 2015, "Adam: a method for stochastic optimization", algorithm 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import fraction, positive
from slalom_worker.optimizers.base import Block, Optimizer

if TYPE_CHECKING:
    from torch import Tensor

HYPERPARAMETERS = {"beta1": fraction(0.9), "beta2": fraction(0.999), "epsilon": positive(1e-8)}


def moments(block: Block) -> tuple[Tensor, Tensor]:
    """Update the two running means, of the gradient and of its square, and return them, each [e, c]."""
    mean, square, columns = block.state["mean"], block.state["square"], block.columns
    mean.lerp_(block.gradient, columns["news"])
    square.lerp_(block.gradient.mul_(block.gradient), columns["news_square"])
    return mean, square


def descend(block: Block, mean: Tensor, square: Tensor) -> None:
    """Step along `mean` divided by the root of `square`, both [e, c]; the columns hold the corrections of both."""
    columns = block.columns
    root = square.sqrt().add_(columns["floor"])
    block.parameters.addcdiv_(mean * (columns["rate"] * columns["correction"]), root, value=-1)


def update(block: Block) -> None:
    """Update the block by one step."""
    descend(block, *moments(block))


def _missing(step: Tensor, beta: Tensor) -> Tensor:
    """1 - beta^t, by exp and log: torch's pow rounds differently at the tail of a vector."""
    return 1 - (beta.log() * step).exp()


COLUMNS = {
    "news": lambda _, given: 1 - given["beta1"],
    "news_square": lambda _, given: 1 - given["beta2"],
    "correction": lambda step, given: _missing(step, given["beta2"]).sqrt() / _missing(step, given["beta1"]),
    "floor": lambda step, given: given["epsilon"] * _missing(step, given["beta2"]).sqrt(),
}

ADAM = Optimizer(update, state=("mean", "square"), hyperparameters=HYPERPARAMETERS, columns=COLUMNS)
