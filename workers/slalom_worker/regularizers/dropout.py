"""Dropout with masks from the trial's own stream, so that they do not depend on the pack.

Scaling is inverted: kept units are divided by the fraction kept, and evaluation drops and scales nothing.
Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

from slalom.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


class SlotDropout(nn.Module):
    """Multiplies its inputs by a mask, which the pack sets; without a mask, and in evaluation, it is the identity.

    A layer that a net calls several times has a mask for each call: its buffers `mask`, `mask2`, `mask3`, ...
    setting: the study's setting that gives the rate ("input_dropout", "hidden_dropout"), or None
    layer: the number of the hidden layer before this one, for a setting that lists a rate for each
    rate: the rate where `setting` is None, as for a user's own nn.Dropout
    shapes: the shape of one example's mask at each call, as noted by `probing.probe`
    calls: the number of calls since the net's forward began; whoever calls the net sets it to 0 before
    """

    def __init__(self, setting: str | None, rate: float = 0.0, layer: int | None = None) -> None:
        super().__init__()
        self.setting = setting
        self.layer = layer
        self.rate = rate
        self.shapes: list[tuple[int, ...]] = []
        self.calls = 0
        self.register_buffer("mask", None, persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """The inputs [B, ...] times this call's mask of the same shape."""
        if not self.training:
            return inputs
        self.calls += 1
        mask = getattr(self, mask_name(self.calls), None)
        return inputs if mask is None else inputs * mask

    def shape_of(self, inputs: Tensor) -> tuple[int, ...]:
        """The shape of one example's mask for inputs [B, ...]."""
        return tuple(inputs.shape[1:])

    def expect(self, shapes: list[tuple[int, ...]]) -> None:
        """Prepare a mask buffer for each call; shapes: of one example's mask at each call."""
        self.shapes = shapes
        for call in range(2, len(shapes) + 1):
            self.register_buffer(mask_name(call), None, persistent=False)

    def rate_for(self, settings: Mapping[str, Any]) -> float:
        """The dropout rate of a trial with these settings, in [0, 1]; InputError where a list lacks this layer's."""
        if self.setting is None:
            return self.rate
        rate = settings[self.setting]
        if not isinstance(rate, Mapping):
            return float(rate)
        if str(self.layer) not in rate:
            raise InputError(
                f"{self.setting} must list a rate for each hidden layer, but SlotDropout says layer={self.layer} and "
                f"the list has {len(rate)}"
            )
        return float(rate[str(self.layer)])


class ChannelDropout(SlotDropout):
    """Drops whole channels of inputs [B, C, ...], as nn.Dropout1d, nn.Dropout2d and nn.Dropout3d do."""

    def shape_of(self, inputs: Tensor) -> tuple[int, ...]:
        """The shape of one example's mask: [C, 1, ...]."""
        return (*inputs.shape[1:2], *(1 for _ in inputs.shape[2:]))


def mask_name(call: int) -> str:
    """The name of the buffer with the mask of a layer's call, counted from 1."""
    return "mask" if call == 1 else f"mask{call}"
