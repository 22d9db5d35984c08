"""Converts a split's arrays to the types that training takes: float32, int64 for whole numbers, uint8 for pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from slalom.errors import listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

FLOAT32 = np.dtype(np.float32)


def converted(inputs: Any, labels: Any, classes: int | None, *, picture: bool = False) -> tuple[Any, Any]:
    """Inputs and labels in these types: real numbers as float32, whole numbers as int64.

    A regression's labels [n] become [n, 1]. Other types, and what is no array, are returned unchanged; an array that
    needs no conversion is the same object.
    picture: whether the inputs are pictures, whose bytes stay bytes
    """
    if not (picture and isinstance(inputs, np.ndarray) and inputs.dtype == np.uint8):
        inputs = _cast(inputs)
    if classes is None or not _is_real(labels):  # real numbers as classes are refused later, with their own type
        labels = _cast(labels)
    if classes is None and isinstance(labels, np.ndarray) and labels.ndim == 1:
        labels = labels[:, None]
    return inputs, labels


def rounding(splits: Mapping[str, Any]) -> Iterator[str]:
    """A note that lists the arrays whose numbers `converted` rounds, or no note; splits: by name."""
    arrays = {f"{name}.{part}": getattr(splits[name], part, None) for part in ("inputs", "labels") for name in splits}
    if cast := [name for name, array in arrays.items() if _is_real(array) and array.itemsize > FLOAT32.itemsize]:
        yield f"cast to float32: {listing(cast)}"


def _is_real(array: Any) -> TypeGuard[NDArray[np.floating]]:
    return isinstance(array, np.ndarray) and np.issubdtype(array.dtype, np.floating)


def _cast(array: Any) -> Any:
    if not isinstance(array, np.ndarray) or array.dtype in (FLOAT32, np.int64):
        return array
    if np.issubdtype(array.dtype, np.integer):
        return array.astype(np.int64)
    if not _is_real(array):
        return array
    with np.errstate(over="ignore"):  # a number too large is refused later, as not finite
        return array.astype(np.float32)
