"""LeNet-5's output: for each class, the distance of the units before it to the class's code, a bitmap of its digit.

A code is a bitmap of 7 x 12 pixels, +1 where there is ink and -1 elsewhere, so that digits that look alike have codes
that are near to each other. The bitmaps are drawn after Figure 3 of the source, not taken from it.
Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition", section II.B.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from slalom_worker.models.bitmaps import BITMAPS

if TYPE_CHECKING:
    from torch import Tensor


class Radial(nn.Module):
    """From units [B, 84] to outputs [B, 10]: minus the squared distances, so that the nearest class is the likeliest.

    codes: [10, 84]; nothing is trained
    """

    codes: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("codes", torch.tensor(BITMAPS, dtype=torch.float32))

    def forward(self, inputs: Tensor) -> Tensor:
        """Minus the squared distances [B, 10]."""
        apart = inputs.unsqueeze(-2) - self.codes
        return -(apart * apart).sum(-1)
