"""The grid on which a net's decisions are shown, for tasks of classes of points in the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slalom_worker.tasks.data import Data

STEPS = 40
"""Number of places along each axis where the task has no grid of its own."""

EVERY = 2
"""Step between the places that are used of a task's own grid."""


class Grid(NamedTuple):
    """Places along both axes, and the true probability of class 1 of two [ys, xs], or None where it is unknown."""

    xs: NDArray[np.float64]
    ys: NDArray[np.float64]
    best: NDArray[np.float64] | None

    def points(self) -> NDArray[np.float32]:
        """All places [ys * xs, 2], row by row."""
        x, y = np.meshgrid(self.xs, self.ys)
        return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)


def is_plane(data: Data) -> bool:
    """Whether the task is a classification of points in the plane; two whole numbers, as of words, are no point."""
    inputs = data.train.inputs
    return data.classes is not None and inputs.shape[1:] == (2,) and np.issubdtype(inputs.dtype, np.floating)


def grid(data: Data) -> Grid:
    """The grid to evaluate a net on: the task's own, where its test split is a grid, else one around training points.

    A test split is a grid where it holds each place once with either of two labels, weighted by how likely that is.
    """
    half = len(data.test.labels) // 2
    inputs, labels, weights = data.test
    doubled = data.classes == 2 and weights is not None and np.array_equal(inputs[:half], inputs[half:])
    if doubled and weights is not None and (labels[:half] == 0).all() and (labels[half:] == 1).all():
        xs, ys = (np.unique(inputs[:half, axis]) for axis in range(2))
        if len(xs) * len(ys) == half:
            return _weighted(inputs[:half], weights[:half], weights[half:], xs, ys)
    low, high = data.train.inputs.min(axis=0), data.train.inputs.max(axis=0)
    room = 0.1 * (high - low)
    xs, ys = (np.linspace(low[axis] - room[axis], high[axis] + room[axis], STEPS) for axis in range(2))
    return Grid(xs.astype(np.float64), ys.astype(np.float64), None)


def _weighted(
    points: NDArray[np.float32],
    zero: NDArray[np.float64],
    one: NDArray[np.float64],
    xs: NDArray[np.float32],
    ys: NDArray[np.float32],
) -> Grid:
    """The task's own grid, with the probability of class 1 from the weights; NaN where both weights are 0."""
    both = zero + one
    share = np.where(both > 0, one / np.where(both > 0, both, 1.0), np.nan)
    best = np.empty((len(ys), len(xs)))
    best[np.searchsorted(ys, points[:, 1]), np.searchsorted(xs, points[:, 0])] = share
    x, y = xs[::EVERY].astype(np.float64), ys[::EVERY].astype(np.float64)
    return Grid(x, y, best[::EVERY, ::EVERY])
