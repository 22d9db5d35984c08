"""Dropout whose masks come from the trial's own stream, so that they do not depend on the pack.

Inverted scaling: what is kept is divided by the fraction kept, and nothing is done at evaluation.
Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class SlotDropout(nn.Module):
    """Multiplies its inputs by the mask in its buffer `mask`, which the pack sets; without a mask it is the identity.

    setting: the study's setting that gives the rate ("input_dropout", "hidden_dropout"), or None
    layer: the number of the hidden layer before this one, for a setting that lists a rate for each
    rate: the rate where `setting` is None, as for a user's own nn.Dropout
    shape: of one example's activations here, set by `modules.probe`
    """

    mask: Tensor | None

    def __init__(self, setting: str | None, rate: float = 0.0, layer: int | None = None) -> None:
        super().__init__()
        self.setting = setting
        self.layer = layer
        self.rate = rate
        self.shape: tuple[int, ...] = ()
        self.register_buffer("mask", None, persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """The inputs [B, ...] times the mask of the same shape."""
        return inputs if self.mask is None else inputs * self.mask

    def rate_for(self, settings: Mapping[str, Any]) -> float:
        """The dropout rate of a trial with these settings, in [0, 1)."""
        if self.setting is None:
            return self.rate
        rate = settings[self.setting]
        return float(rate[str(self.layer)] if isinstance(rate, Mapping) else rate)
