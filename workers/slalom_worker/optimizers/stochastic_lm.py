"""Stochastic diagonal Levenberg-Marquardt: every parameter's learning rate is divided by the curvature along it.

    w <- w - rate / (mu + h) * g

h is the diagonal of the Gauss-Newton matrix of the mean loss (without weight decay), estimated at the beginning of
each epoch from `sample` training examples, or all where there are fewer; mu keeps the step finite where the loss is
flat. Source: LeCun et al. 1998, "Efficient BackProp", section 9.1, and "Gradient-based learning applied to document
recognition", appendix C, where mu is 0.02 and 500 examples are sampled.
"""

from __future__ import annotations

from slalom.wire.kinds import MOST_EXAMPLES, Integer, positive
from slalom_worker.optimizers.base import Block, Optimizer


def update(block: Block) -> None:
    """Update the block by one step."""
    columns = block.columns
    block.parameters.addcdiv_(block.gradient.mul_(columns["rate"]), block.state["curvature"] + columns["mu"], value=-1)


LEVENBERG_MARQUARDT = Optimizer(
    update,
    state=("curvature",),
    hyperparameters={"mu": positive(0.02), "sample": Integer(500, low=1, high=MOST_EXAMPLES)},
    curvature=True,
)
