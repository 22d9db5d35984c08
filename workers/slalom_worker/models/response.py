"""Local response normalisation: b_i = a_i / (k + alpha * sum of a_j^2 over n neighbouring maps j)^beta.

k 2, n 5, alpha 1e-4, beta .75, as published. Torch divides alpha by n, and so is given 5e-4. The neighbours of a map
are maps of its own tower, since each of the authors' GPUs normalised its own maps.
Source: Krizhevsky, Sutskever, Hinton 2012, "ImageNet classification with deep convolutional neural networks", 3.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

K, N, ALPHA, BETA = 2.0, 5, 1e-4, 0.75


class ResponseNormalisation(nn.Module):
    """Normalises maps [B, C, H, W]; C is a multiple of the number of towers, whose maps follow one another."""

    def __init__(self, towers: int = 1) -> None:
        super().__init__()
        self.towers = towers

    def forward(self, inputs: Tensor) -> Tensor:
        """The normalised maps, of the same shape."""
        apart = inputs.reshape(len(inputs) * self.towers, -1, *inputs.shape[2:])
        return functional.local_response_norm(apart, N, ALPHA * N, BETA, K).view_as(inputs)
