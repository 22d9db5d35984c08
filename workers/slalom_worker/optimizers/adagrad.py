"""Adagrad: the gradient is divided by the root of the sum of all its squares so far, so that the step only shrinks.

    s <- s + g^2;  w <- w - rate * g / (sqrt(s) + epsilon)

as torch.optim.Adagrad, whose sum starts at zero too. Source: Duchi, Hazan and Singer 2011, "Adaptive subgradient
methods for online learning and stochastic optimization", the diagonal form.
"""

from __future__ import annotations

from slalom.wire.kinds import positive
from slalom_worker.optimizers.base import Block, Optimizer


def update(block: Block) -> None:
    """Update the block by one step."""
    total, columns, gradient = block.state["total"], block.columns, block.gradient
    total.addcmul_(gradient, gradient)
    root = total.sqrt().add_(columns["epsilon"])
    block.parameters.addcdiv_(gradient.mul_(columns["rate"]), root, value=-1)


ADAGRAD = Optimizer(update, state=("total",), hyperparameters={"epsilon": positive(1e-10)})
