"""Torch's convolution and linear layer, with weights that begin as a published net's do."""

from __future__ import annotations

from typing import Any

from torch import nn

from slalom_worker.models.beginnings import BEGINNINGS


class Convolution(nn.Conv2d):
    """torch.nn.Conv2d, whose weights begin as `begin` says."""

    def __init__(self, inputs: int, channels: int, kernel: int, begin: str | None, **options: Any) -> None:
        """begin: in BEGINNINGS, or None for torch's way; the rest is as torch has it."""
        self.begin = begin
        super().__init__(inputs, channels, kernel, **options)

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        if self.begin is None:
            super().reset_parameters()
        else:
            BEGINNINGS[self.begin].fill(self.weight, self.bias, self.weight[0].numel())


class Full(nn.Linear):
    """torch.nn.Linear, whose weights begin as `begin` says."""

    def __init__(self, inputs: int, units: int, bias: bool, begin: str | None) -> None:
        """begin: in BEGINNINGS, or None for torch's way; the rest is as torch has it."""
        self.begin = begin
        super().__init__(inputs, units, bias)

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        if self.begin is None:
            super().reset_parameters()
        else:
            BEGINNINGS[self.begin].fill(self.weight, self.bias, self.in_features)
