"""AMSGrad: Adam that divides by the largest second moment so far, so that its step never grows again.

as torch.optim.Adam(amsgrad=True), which takes the maximum before the bias correction.
Source: Reddi, Kale and Kumar 2018, "On the convergence of Adam and beyond", algorithm 2.
"""

from __future__ import annotations

from slalom_worker.optimizers.adam import COLUMNS, HYPERPARAMETERS, descend, moments
from slalom_worker.optimizers.base import Block, Optimizer


def update(block: Block) -> None:
    """Update the block by one step."""
    mean, square = moments(block)
    descend(block, mean, block.state["largest_square"].clamp_(min=square))


AMSGRAD = Optimizer(
    update, state=("mean", "square", "largest_square"), hyperparameters=HYPERPARAMETERS, columns=COLUMNS
)
