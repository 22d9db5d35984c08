"""Adam: RMSprop with a momentum of its own, both corrected for starting at zero.

    m <- beta1 * m + (1 - beta1) * g;  s <- beta2 * s + (1 - beta2) * g^2
    w <- w - rate * (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + epsilon)

as torch.optim.Adam. The corrections are taken in float64: 1 - 0.999^t loses digits in float32.
Source: Kingma and Ba 2015, "Adam: a method for stochastic optimization", algorithm 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.settings import fraction, positive
from slalom_worker.optimizers.base import Optimizer, Slots

if TYPE_CHECKING:
    from torch import Tensor

HYPERPARAMETERS = {"beta1": fraction(0.9), "beta2": fraction(0.999), "epsilon": positive(1e-8)}


def moments(slots: Slots) -> tuple[Tensor, Tensor]:
    """The two running means after this step's gradient, each [e, P]."""
    mean, square = slots.state["mean"], slots.state["square"]
    beta1, beta2 = slots.hyperparameters["beta1"], slots.hyperparameters["beta2"]
    mean.mul_(beta1).add_(slots.gradient * (1 - beta1))
    square.mul_(beta2).add_(slots.gradient.square().mul_(1 - beta2))
    return mean, square


def descend(slots: Slots, mean: Tensor, square: Tensor) -> None:
    """The step along `mean` over the root of `square`, both corrected for their start at zero."""
    rate = (slots.rate.double() / (1 - _power(slots, "beta1"))).to(mean.dtype)
    root = (1 - _power(slots, "beta2")).sqrt().to(mean.dtype)
    denominator = square.sqrt().div_(root).add_(slots.hyperparameters["epsilon"])
    slots.parameters.sub_((rate * mean).div_(denominator))


def _power(slots: Slots, name: str) -> Tensor:
    """beta^t [e, 1] in float64, by exp and log: torch's pow rounds differently at the tail of a vector."""
    return (slots.hyperparameters[name].double().log() * slots.step).exp()


def update(slots: Slots) -> None:
    """One step."""
    descend(slots, *moments(slots))


ADAM = Optimizer(update, state=("mean", "square"), hyperparameters=HYPERPARAMETERS)
