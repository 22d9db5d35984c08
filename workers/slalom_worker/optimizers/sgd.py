"""Stochastic gradient descent, with a heavy ball when it is given a momentum.

    v <- momentum * v + g;  w <- w - rate * v

as torch.optim.SGD (dampening 0). Source: Polak 1964, "Some methods of speeding up the convergence of
iteration methods", in the form of Sutskever et al. 2013 with the step size outside the velocity.
"""

from __future__ import annotations

from slalom_worker.optimizers.base import Block, Optimizer


def update(block: Block) -> None:
    """Update the block by one step; a momentum of 0 gives plain descent, bit for bit."""
    velocity, columns = block.state["velocity"], block.columns
    velocity.mul_(columns["momentum"]).add_(block.gradient)
    block.parameters.addcmul_(velocity, columns["rate"], value=-1)


SGD = Optimizer(update, state=("velocity",), hyperparameters={}, momentum=0.0)
