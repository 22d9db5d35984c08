"""All weights and biases zero: the start of convex problems, and of a net whose hidden units never differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.initializations.base import Initialization

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Generator, Tensor

    from slalom_worker.initializations.base import Fans


def draw(weight: Tensor, _fans: Fans, _generator: Generator, _parameters: Mapping[str, float]) -> None:
    """Fill the weights in place."""
    weight.zero_()


ZERO = Initialization(draw, parameters={})
