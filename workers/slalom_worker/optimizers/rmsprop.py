"""RMSprop: the gradient divided by the root of its running mean square.

    s <- smoothing * s + (1 - smoothing) * g^2;  w <- w - rate * g / (sqrt(s) + epsilon)

as torch.optim.RMSprop (whose alpha is `smoothing`). Source: Hinton 2012, Neural networks for machine
learning, lecture 6e.
"""

from __future__ import annotations

from slalom.settings import fraction, positive
from slalom_worker.optimizers.base import Optimizer, Slots


def update(slots: Slots) -> None:
    """One step."""
    square, smoothing = slots.state["square"], slots.hyperparameters["smoothing"]
    square.mul_(smoothing).add_(slots.gradient.square().mul_(1 - smoothing))
    root = square.sqrt().add_(slots.hyperparameters["epsilon"])
    slots.parameters.sub_(slots.gradient.div_(root).mul_(slots.rate))


RMSPROP = Optimizer(update, state=("square",), hyperparameters={"smoothing": fraction(0.99), "epsilon": positive(1e-8)})
