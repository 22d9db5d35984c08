"""Nesterov's accelerated gradient.

    v <- momentum * v + g;  w <- w - rate * (g + momentum * v)

as torch.optim.SGD(nesterov=True). Source: Nesterov 1983; Sutskever et al. 2013, "On the importance of
initialization and momentum in deep learning", section 2.
"""

from __future__ import annotations

from slalom_worker.optimizers.base import Block, Optimizer


def update(block: Block) -> None:
    """Update the block by one step, looking ahead along the new velocity."""
    velocity, columns = block.state["velocity"], block.columns
    velocity.mul_(columns["momentum"]).add_(block.gradient)
    block.parameters.addcmul_(block.gradient.addcmul_(velocity, columns["momentum"]), columns["rate"], value=-1)


NESTEROV = Optimizer(update, state=("velocity",), hyperparameters={}, momentum=0.9)
