"""Normal with variance 2/fan-in, twice LeCun's, since a ReLU lets half of its inputs through.

Source: He et al. 2015, "Delving deep into rectifiers", equation 10.
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
    weight.normal_(0.0, (2 / fans.inputs) ** 0.5, generator=generator)


HE = Initialization(draw, parameters={})
