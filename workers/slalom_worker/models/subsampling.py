"""LeNet-5's subsampling: the sum of a patch of 2 x 2, times a trained coefficient, plus a trained bias, for each map.

Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition", section II.B.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from slalom_worker.initializations.base import Fans
from slalom_worker.models.beginnings import BEGINNINGS
from slalom_worker.models.fanned import Fanned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

PATCH = 2


class Subsampling(Fanned):
    """From maps [B, channels, H, W] to maps [B, channels, H / 2, W / 2].

    weight: the coefficients [channels, 1, 1]; bias: [channels]
    """

    def __init__(self, channels: int, begin: str) -> None:
        """begin: how weights are drawn, a key of BEGINNINGS."""
        super().__init__()
        self.begin = begin
        self.weight = nn.Parameter(torch.empty(channels, 1, 1))
        self.bias = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the coefficients and the biases anew."""
        BEGINNINGS[self.begin].fill(self.weight, self.bias, PATCH**2)

    def fans(self) -> Iterator[tuple[Tensor, Fans]]:
        """See Fanned."""
        yield self.weight, Fans(PATCH**2, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """The maps, before the activation."""
        sums = functional.avg_pool2d(inputs, PATCH, divisor_override=1)
        return sums * self.weight + self.bias.view(-1, 1, 1)
