"""Torch's convolution and linear layer, with initial weights drawn as a published net's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn

from slalom_worker.models.beginnings import BEGINNINGS
from slalom_worker.models.convolved import convolved

if TYPE_CHECKING:
    from torch import Tensor


class Convolution(nn.Conv2d):
    """torch.nn.Conv2d, whose initial weights are drawn as `begin` says."""

    def __init__(self, inputs: int, channels: int, kernel: int, begin: str | None, **options: Any) -> None:
        """begin: a key of BEGINNINGS, or None for torch's way; options: Conv2d's."""
        self.begin = begin
        super().__init__(inputs, channels, kernel, **options)

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        if self.begin is None:
            super().reset_parameters()
        else:
            BEGINNINGS[self.begin].fill(self.weight, self.bias, self.weight[0].numel())

    def forward(self, inputs: Tensor) -> Tensor:
        """See nn.Conv2d."""
        if self.groups > 1:
            return super().forward(inputs)
        return convolved(inputs, self.weight, self.bias, self.stride[0], int(self.padding[0]))


class Full(nn.Linear):
    """torch.nn.Linear, whose initial weights are drawn as `begin` says."""

    def __init__(self, inputs: int, units: int, bias: bool, begin: str | None) -> None:
        """begin: a key of BEGINNINGS, or None for torch's way."""
        self.begin = begin
        super().__init__(inputs, units, bias)

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        if self.begin is None:
            super().reset_parameters()
        else:
            BEGINNINGS[self.begin].fill(self.weight, self.bias, self.in_features)
