"""Weights and biases uniform in +-range, whatever the layer: the starting values "near zero" of older books.

Source: Hastie, Tibshirani, Friedman, "The Elements of Statistical Learning", 11.5.1 and 11.5.2 (+-0.7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import positive
from slalom_worker.initializations.base import Initialization

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Generator, Tensor

    from slalom_worker.initializations.base import Fans


def draw(weight: Tensor, _fans: Fans, generator: Generator, parameters: Mapping[str, float]) -> None:
    """Fill the weights in place."""
    weight.uniform_(-parameters["range"], parameters["range"], generator=generator)


UNIFORM = Initialization(draw, parameters={"range": positive(0.7)}, biases=True)
