"""Activation functions as modules whose results have the same bits whatever the pack's width."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Logistic(nn.Module):
    """1 / (1 + exp(-x)), written with tanh: torch's sigmoid rounds differently at the tail of a vector."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Elementwise; the result has the inputs' shape."""
        return 0.5 * (1 + (0.5 * inputs).tanh())


class ScaledTanh(nn.Module):
    """1.7159 tanh(2x/3): gain one and the largest curvature at +-1 (Efficient BackProp, section 4.4)."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Elementwise; the result has the inputs' shape."""
        return 1.7159 * (inputs * (2 / 3)).tanh()


ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "tanh": nn.Tanh,
    "logistic": Logistic,
    "relu": nn.ReLU,
    "scaled_tanh": ScaledTanh,
}
