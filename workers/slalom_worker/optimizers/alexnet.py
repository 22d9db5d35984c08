"""Momentum with the step size inside the velocity, as AlexNet was trained.

    v <- momentum * v - rate * (g + decay * w);  w <- w + v

At a constant step size it is the heavy ball. After a drop of the step size it goes on at the old speed and slows down
over 1 / (1 - momentum) steps, where torch's form slows down at once; torch.optim has no such form.
Source: Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural networks",
section 5.
"""

from __future__ import annotations

from slalom_worker.optimizers.base import Block, Optimizer


def update(block: Block) -> None:
    """Update the block by one step."""
    velocity, columns = block.state["velocity"], block.columns
    velocity.mul_(columns["momentum"]).addcmul_(block.gradient, columns["rate"], value=-1)
    block.parameters.add_(velocity)


ALEXNET = Optimizer(update, state=("velocity",), hyperparameters={}, momentum=0.9)
