"""What several models take of a study's `model:`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import Choice

if TYPE_CHECKING:
    from collections.abc import Sequence

ACTIVATION = Choice("tanh", ("tanh", "logistic", "relu", "scaled_tanh"))
"""The functions of hidden units, of which each model has a default of its own."""

WIDEST = 65_536
"""Units of a hidden layer, at most."""


def listed(numbers: int | Sequence[int]) -> Sequence[int]:
    """Numbers of layers; one that is searched is a number, for one layer."""
    return (numbers,) if isinstance(numbers, int) else numbers
