"""Nesterov's accelerated gradient.

    v <- momentum * v + g;  w <- w - rate * (g + momentum * v)

as torch.optim.SGD(nesterov=True). Source: Nesterov 1983; Sutskever et al. 2013, "On the importance of
initialization and momentum in deep learning", section 2.
"""

from __future__ import annotations

from slalom_worker.optimizers.base import Optimizer, Slots


def update(slots: Slots) -> None:
    """One step, looking ahead along the new velocity."""
    velocity, columns = slots.state["velocity"], slots.columns
    velocity.mul_(columns["momentum"]).add_(slots.gradient)
    slots.parameters.addcmul_(slots.gradient.addcmul_(velocity, columns["momentum"]), columns["rate"], value=-1)


NESTEROV = Optimizer(update, state=("velocity",), hyperparameters={}, momentum=0.9)
