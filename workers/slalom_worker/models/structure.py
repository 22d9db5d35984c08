"""Options that several models share under a study's `model:`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import Choice

if TYPE_CHECKING:
    from collections.abc import Sequence

ACTIVATION = Choice("tanh", ("tanh", "logistic", "relu", "scaled_tanh"))
"""The hidden units' activation; a model may replace the default."""

WIDEST = 65_536
"""Most units of a hidden layer."""


def listed(numbers: int | Sequence[int]) -> Sequence[int]:
    """The numbers as a sequence; a single number, as a search gives it, becomes a sequence of one."""
    return (numbers,) if isinstance(numbers, int) else numbers
