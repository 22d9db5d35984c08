"""How layers draw their weights under `initialization: fan_in`: in the ways of published nets, or torch's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor


@dataclass(frozen=True)
class Beginning:
    """One way of drawing a layer's initial weights.

    draw: (weights, number of inputs that a unit adds up); fills the weights in place from torch's global generator
    bias: the initial value of biases, or None where they are drawn as weights are
    """

    draw: Callable[[Tensor, int], object]
    bias: float | None = None

    def fill(self, weights: Tensor, bias: Tensor | None, inputs: int) -> None:
        """Fill a layer's weights, then its biases; inputs: the number of inputs that a unit adds up."""
        self.draw(weights, inputs)
        if bias is None:
            return
        if self.bias is None:
            self.draw(bias, inputs)
        else:
            nn.init.constant_(bias, self.bias)


def _fan_in(weights: Tensor, inputs: int) -> None:
    nn.init.uniform_(weights, -(inputs**-0.5), inputs**-0.5)


def _lecun(weights: Tensor, inputs: int) -> None:
    nn.init.uniform_(weights, -2.4 / inputs, 2.4 / inputs)


def _normal(weights: Tensor, _inputs: int) -> None:
    nn.init.normal_(weights, 0.0, 0.01)


def _truncated(weights: Tensor, _inputs: int) -> None:
    nn.init.trunc_normal_(weights, 0.0, 0.05, -0.1, 0.1)


BEGINNINGS: Mapping[str, Beginning] = {
    "torch": Beginning(_fan_in),
    "lecun": Beginning(_lecun),
    "alexnet": Beginning(_normal, 0.0),
    "alexnet, bias 1": Beginning(_normal, 1.0),
    "deepobs": Beginning(_truncated, 0.05),
}
"""`torch`: uniform in +-1/sqrt(fan-in); `lecun`: in +-2.4/fan-in (LeCun et al. 1989 and 1998); `alexnet`: normal of
deviation .01, biases 0 or 1 (Krizhevsky et al. 2012, section 5); `deepobs`: normal of deviation .05, cut off at twice
that, biases .05 (Schneider et al. 2019).
"""
