"""The mean of square patches of maps."""

from __future__ import annotations

from torch import nn


class Average(nn.AvgPool2d):
    """torch.nn.AvgPool2d without padding, so that each mean is over all of a patch's pixels."""

    def __init__(self, size: int, stride: int) -> None:
        """size: pixels of a patch's side."""
        super().__init__(size, stride)
        self.pixels = size * size
