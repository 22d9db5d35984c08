"""RMSprop that divides by the gradient's standard deviation instead of its root mean square.

    m <- smoothing * m + (1 - smoothing) * g;  w <- w - rate * g / (sqrt(s - m^2) + epsilon), s as RMSprop's

as torch.optim.RMSprop(centered=True), but for a variance that rounding leaves below zero: it counts as zero here and
ends as NaN there. Source: Graves 2013, "Generating sequences with recurrent neural networks", equations 38 to 45.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slalom_worker.optimizers.rmsprop import RMSPROP, descend, mean_square

if TYPE_CHECKING:
    from slalom_worker.optimizers.base import Block


def update(block: Block) -> None:
    """Update the block by one step."""
    square, mean = mean_square(block), block.state["mean"]
    mean.lerp_(block.gradient, block.columns["news"])
    descend(block, square.addcmul(mean, mean, value=-1).clamp_(min=0))


RMSPROP_CENTERED = replace(RMSPROP, update=update, state=("square", "mean"))
