"""Adam: RMSprop with a momentum of its own, both corrected for starting at zero.

    m <- beta1 * m + (1 - beta1) * g;  s <- beta2 * s + (1 - beta2) * g^2
    w <- w - rate * (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + epsilon)

as torch.optim.Adam. The corrections are taken in float64: 1 - 0.999^t loses digits in float32.
Source: Kingma and Ba 2015, "Adam: a method for stochastic optimization", algorithm 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import fraction, positive
from slalom_worker.optimizers.base import Optimizer, Slots

if TYPE_CHECKING:
    from torch import Tensor

HYPERPARAMETERS = {"beta1": fraction(0.9), "beta2": fraction(0.999), "epsilon": positive(1e-8)}


def moments(slots: Slots) -> tuple[Tensor, Tensor]:
    """The two running means after this step's gradient, each [e, c]."""
    mean, square, columns = slots.state["mean"], slots.state["square"], slots.columns
    mean.lerp_(slots.gradient, columns["news"])
    square.lerp_(slots.gradient.mul_(slots.gradient), columns["news_square"])
    return mean, square


def descend(slots: Slots, mean: Tensor, square: Tensor) -> None:
    """The step along `mean` over the root of `square`; both corrections, of a slot each, are left to the columns."""
    columns = slots.columns
    root = square.sqrt().add_(columns["floor"])
    slots.parameters.addcdiv_(mean * (columns["rate"] * columns["correction"]), root, value=-1)


def update(slots: Slots) -> None:
    """One step."""
    descend(slots, *moments(slots))


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
