"""Layers that prepare inputs: as pictures, enlarged and framed to the size that a net takes, and shifted and scaled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor


class Picture(nn.Module):
    """From inputs [B, ...] to pictures [B, channels, height, width]."""

    def __init__(
        self, picture: tuple[int, int, int], factor: int, pads: tuple[int, int, int, int], background: float
    ) -> None:
        """picture: the shape of an input as a picture, (channels, height, width).

        factor: each pixel becomes a square of this many pixels a side
        pads: pixels of the background at the left, the right, the top and the bottom
        background: the value of the background's pixels
        """
        super().__init__()
        self.picture, self.factor, self.pads, self.background = picture, factor, pads, background

    def forward(self, inputs: Tensor) -> Tensor:
        """The pictures."""
        found = inputs.reshape(len(inputs), *self.picture)
        if self.factor > 1:
            found = found.repeat_interleave(self.factor, -1).repeat_interleave(self.factor, -2)
        return functional.pad(found, self.pads, value=self.background) if any(self.pads) else found


class Affine(nn.Module):
    """Every number times a factor, plus a shift."""

    def __init__(self, factor: float, shift: float) -> None:
        super().__init__()
        self.factor, self.shift = factor, shift

    def forward(self, inputs: Tensor) -> Tensor:
        """Elementwise; the result has the inputs' shape."""
        return inputs * self.factor + self.shift
