"""The setting `evaluation`, which part of a picture a net sees: {"by": "whole"}, or "center" or "ten_crop" with a size.

"center" is the square of `size` pixels a side in the picture's middle. "ten_crop" is ten such squares, over which the
net's predictions are averaged: the four corners and the center, and their mirror images.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slalom.wire.kinds import Integer, Kinds

Evaluation = Mapping[str, Any]

WHOLE: Evaluation = {"by": "whole"}

SIZE: Kinds = {"size": Integer(None, low=1, high=10_000)}
EVALUATIONS: Mapping[str, Kinds] = {"whole": {}, "center": SIZE, "ten_crop": SIZE}


def seen_shape(shape: tuple[int, ...], evaluation: Evaluation) -> tuple[int, ...]:
    """The shape of what a net sees of a picture of a shape [.., height, width]."""
    size = evaluation.get("size")
    return shape if size is None else (*shape[:-2], size, size)
