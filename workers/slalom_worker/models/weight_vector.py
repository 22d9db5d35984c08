"""A model that is a vector of weights, mapped to the outputs by a fixed matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


class WeightVector(nn.Module):
    """Outputs [B, k] = inputs [B, 1] * (A w), with weights w [1, d] that all start at 1 and a fixed matrix A [k, d]."""

    design: Tensor

    def __init__(self, design: NDArray[np.float32]) -> None:
        """design: the matrix A."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, design.shape[1]))
        self.register_buffer("design", torch.tensor(design))

    def forward(self, inputs: Tensor) -> Tensor:
        """The outputs [B, k]; A w is computed once for all examples.

        A w is not computed by a matrix product: several nets' weights would be its rows, whose number changes rounding.
        """
        return inputs * (self.weight * self.design).sum(-1)
