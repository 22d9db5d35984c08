"""What an initialization is to a pack: how the weights of linear and convolutional layers are drawn.

The files here load without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Generator, Tensor

    from slalom.wire.kinds import Kinds


class Fans(NamedTuple):
    """Inputs and outputs that a unit's weights join, in a convolution all within reach of the kernel."""

    inputs: int
    outputs: int


@dataclass(frozen=True)
class Initialization:
    """One way of drawing a layer's weights.

    draw: fills a weight tensor in place from the generator; None leaves every layer as torch made it
    biases: they are drawn like the weights; else they start at zero
    """

    draw: Callable[[Tensor, Fans, Generator, Mapping[str, float]], object] | None
    parameters: Kinds
    biases: bool = False
