"""Probes a user's own preprocessing, fitted to all training inputs, and augmentation, on some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from slalom.errors import InputError, quoted
from slalom_worker.augmentation import Draws, Given
from slalom_worker.net.view import picture_shape
from slalom_worker.preprocessing.base import ROWS, as_numbers, checked
from slalom_worker.training.probes.answers import again, finite, shown, untouched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from slalom_worker.augmentation import Augmentation
    from slalom_worker.preprocessing import Fitted, Preprocessing
    from slalom_worker.tasks.data import Data

    Size = tuple[int, int]

FEW = 64
"""Number of inputs that are preprocessed, and of pictures that are augmented."""

CLOSE = 1e-6
"""Tolerance, absolute and relative, between the maps that `of_moments` and `find` give."""


def probe_preprocessing(name: str, method: Preprocessing, data: Data) -> Fitted:
    """The map fitted to the task's training inputs; InputError where it is no such map, or differs the second time."""
    inputs = data.train.inputs
    try:
        fitted = _fit(method, inputs)
    except InputError as exc:
        raise InputError(str(exc) if name in str(exc) else f"{name}: {exc}") from exc
    few = as_numbers(inputs[:FEW]).reshape(len(inputs[:FEW]), -1).astype(np.float64)
    twice = zip(method.find(few.copy()), method.find(few.copy()), strict=True)
    if any(not np.array_equal(*pair, equal_nan=True) for pair in twice):
        raise InputError(f"{name}: find must give the same map of the same inputs, but gave another one")
    if method.keeps_units and not (fitted.factor.ndim == 1 and (fitted.factor == 1).all()):
        raise InputError(f"{name}: keeps_units says that it only adds to numbers, but its factor is not 1")
    with np.errstate(over="ignore"):
        mapped = fitted.apply(as_numbers(inputs[:FEW]))
    finite(f"{name}: find", torch.from_numpy(mapped), "numbers in place of the first training inputs")
    _check_moments(name, method, as_numbers(inputs[:ROWS]).reshape(len(inputs[:ROWS]), -1).astype(np.float64))
    return fitted


def _fit(method: Preprocessing, inputs: NDArray[Any]) -> Fitted:
    return method.fit_bytes(inputs, np.arange(len(inputs))) if inputs.dtype == np.uint8 else method.fit(inputs)


def _check_moments(name: str, method: Preprocessing, inputs: NDArray[np.float64]) -> None:
    """Raise InputError where `of_moments` gives another map than `find` does for the inputs [n, d]."""
    if method.of_moments is None:
        return
    mean, variance = inputs.mean(0), np.where(np.ptp(inputs, axis=0) == 0, 0.0, inputs.var(0))
    place = f"{name}: of_moments"
    found = untouched(place, method.of_moments, mean=mean, variance=variance)
    pairs = zip(checked(place, found, len(mean)), method.find(inputs.copy()), strict=True)
    if not all(np.allclose(*pair, rtol=CLOSE, atol=CLOSE, equal_nan=True) for pair in pairs):
        raise InputError(f"{place} must give the map that find gives of inputs with that mean and variance")


def probe_augmentation(name: str, method: Augmentation, options: Mapping[str, Any], data: Data, size: Size) -> None:
    """Raise InputError where an augmentation returns no pictures, or a picture that depends on other pictures.

    options: the study's options for the augmentation
    size: height and width of what the net sees
    """
    function = method.change
    if function is None:
        return
    shape = picture_shape(data.net_shape)
    pictures = torch.from_numpy(as_numbers(data.train.inputs[:FEW])).reshape(-1, *shape).float()
    learned = None
    if method.learn is not None:
        learned = _learned(f"{name}: learn", method.learn, pictures.numpy())
    count = len(pictures)
    side = torch.stack([pictures, pictures.flip(0)])
    examples = torch.stack([torch.arange(count), torch.arange(count).flip(0)])
    columns = {key: torch.full((2, 1), float(options[key]), dtype=torch.float64) for key in method.parameters}

    def change(pictures: Tensor, examples: Tensor) -> Tensor:
        draws = Draws(torch.tensor([[5], [5]]), examples, None)
        given = Given(draws, columns, None if learned is None else torch.stack([learned] * 2), size)
        place = f"{name}: change"
        found = untouched(place, function, pictures=pictures, given=given)
        sizes = {tuple(pictures.shape[-2:]), size}
        if not isinstance(found, Tensor) or found.is_complex() or found.dtype != pictures.dtype:
            what = f"of {found.dtype}" if isinstance(found, Tensor) else quoted(found)
            raise InputError(
                f"{place} must give a tensor of pictures, {pictures.dtype} as it got them, but gave {what}"
            )
        if found.shape[:-2] != pictures.shape[:-2] or tuple(found.shape[-2:]) not in sizes:
            raise InputError(
                f"{place} must give pictures {[*pictures.shape[:-2], *size]}, as many as it got, but gave "
                f"{[*found.shape]}"
            )
        finite(place, found, f"pixels{shown(options)}")
        return found

    found = change(side, examples)
    # the second slot has the same pictures, seeds and options as the first, and its pictures in the opposite order
    again(f"{name}: change", found[0], found[1].flip(0), "each picture by itself and its own draws alone")
    few = change(side[:, :1], examples[:, :1])
    again(f"{name}: change", found[:, :1], few, "each picture by itself and its own draws alone")


def _learned(place: str, learn: Callable[..., Any], pictures: NDArray[Any]) -> Tensor:
    """What an augmentation learns from pictures; InputError where that is no float64 array of finite numbers."""
    before = pictures.copy()
    found = learn([pictures])
    if not np.array_equal(before, pictures):
        raise InputError(f"{place} must leave what it is given as it is, but changed the pictures")
    if not isinstance(found, np.ndarray) or found.dtype != np.float64:
        raise InputError(f"{place} must give a numpy array float64, but gave {quoted(found)}")
    finite(place, torch.from_numpy(found), "numbers")
    return torch.from_numpy(found)
