"""A split's arrays in the types that training takes: float32 for real numbers, int64 for whole ones."""

from __future__ import annotations

from typing import Any

import numpy as np


def converted(name: str, inputs: Any, labels: Any, classes: int | None) -> tuple[Any, Any, list[str]]:
    """Inputs and labels in these types where theirs are of the same sort, and notes on what was rounded.

    A regression's labels [n] become [n, 1]. What is no array, or of another sort, is left as it is; an array that is
    right is the same object.
    """
    notes: list[str] = []
    inputs = _cast(f"{name}.inputs", inputs, notes)
    labels = _cast(f"{name}.labels", labels, notes)
    if classes is None and isinstance(labels, np.ndarray) and labels.ndim == 1:
        labels = labels[:, None]
    return inputs, labels, notes


def _cast(name: str, array: Any, notes: list[str]) -> Any:
    if not isinstance(array, np.ndarray) or array.dtype in (np.float32, np.int64):
        return array
    if np.issubdtype(array.dtype, np.integer):
        return array.astype(np.int64)
    if not np.issubdtype(array.dtype, np.floating):
        return array
    if array.dtype.itemsize > np.dtype(np.float32).itemsize:
        notes.append(f"{name} is {array.dtype}, and was cast to float32")
    with np.errstate(over="ignore"):  # what is too large is refused as not finite
        return array.astype(np.float32)
