"""Stochastic gradient descent, with a heavy ball when it is given a momentum.

    v <- momentum * v + g;  w <- w - rate * v

as torch.optim.SGD (dampening 0). Source: Polak 1964, "Some methods of speeding up the convergence of
iteration methods", in the form of Sutskever et al. 2013 with the step size outside the velocity.
"""

from __future__ import annotations

from slalom_worker.optimizers.base import Optimizer, Slots


def update(slots: Slots) -> None:
    """One step; with momentum 0 it is plain descent, bit for bit."""
    velocity, columns = slots.state["velocity"], slots.columns
    velocity.mul_(columns["momentum"]).add_(slots.gradient)
    slots.parameters.addcmul_(velocity, columns["rate"], value=-1)


SGD = Optimizer(update, state=("velocity",), hyperparameters={}, momentum=0.0)
