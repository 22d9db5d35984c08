"""Metrics of numbers, by scikit-learn's definitions: the mean over the k numbers of an example, each counting alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def mae(labels: NDArray[Any], predictions: NDArray[Any], weights: NDArray[Any]) -> float:
    """The mean absolute error."""
    return float((np.abs(predictions - labels) * weights[:, None]).sum(0).mean())


def rmse(labels: NDArray[Any], predictions: NDArray[Any], weights: NDArray[Any]) -> float:
    """The root of the mean squared error."""
    return float(np.sqrt(_squares(predictions - labels, weights)).mean())


def r2(labels: NDArray[Any], predictions: NDArray[Any], weights: NDArray[Any]) -> float:
    """1 - squared error / variance; for labels that are all the same, 1 if predictions are exact, else 0."""
    left = _squares(predictions - labels, weights)
    spread = _squares(labels - (labels * weights[:, None]).sum(0) / weights.sum(), weights)
    constant = spread == 0
    ratio = left / np.where(constant, 1.0, spread)
    return float(np.where(constant, (left == 0).astype(np.float64), 1 - ratio).mean())


def _squares(errors: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
    found: NDArray[Any] = (errors * errors * weights[:, None]).sum(0)
    return found
