"""Uniform with variance 2/(fan-in + fan-out), a compromise between keeping activations' and gradients' sizes.

Source: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks",
equation 16.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.initializations.base import Initialization

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Generator, Tensor

    from slalom_worker.initializations.base import Fans


def draw(weight: Tensor, fans: Fans, generator: Generator, _parameters: Mapping[str, float]) -> None:
    """Fill the weights in place."""
    limit = (6 / (fans.inputs + fans.outputs)) ** 0.5
    weight.uniform_(-limit, limit, generator=generator)


XAVIER = Initialization(draw, parameters={})
