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
    """How many inputs a unit adds up, and how many outputs an input reaches; in a convolution, by the whole kernel."""

    inputs: int
    outputs: int


@dataclass(frozen=True)
class Initialization:
    """One way of drawing a layer's weights.

    draw: (weights, fans, generator, parameters); fills the weights in place. None leaves every layer as it was built
    parameters: what a study may set of it
    biases: whether biases are drawn like the weights; else they start at zero
    """

    draw: Callable[[Tensor, Fans, Generator, Mapping[str, float]], object] | None
    parameters: Kinds
    biases: bool = False
