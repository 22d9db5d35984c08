"""What a net sees of a picture, the setting `evaluation`: {"by": "whole"}, or "center" or "ten_crop" of some size.

By "center" it is the square of `size` pixels a side in the picture's middle. By "ten_crop" it is ten such squares, of
which the net's predictions are averaged: the four corners and the center, and their mirror images.
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
