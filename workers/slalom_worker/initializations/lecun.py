"""Normal with standard deviation 1/sqrt(fan-in): inputs of variance 1 give a unit activations of variance 1.

Source: LeCun et al. 1998, "Efficient BackProp", section 4.6, for inputs that are normalised and 1.7159 tanh(2x/3).
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
    weight.normal_(0.0, fans.inputs**-0.5, generator=generator)


LECUN = Initialization(draw, parameters={})
