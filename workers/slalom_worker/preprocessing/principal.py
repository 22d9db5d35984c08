"""The principal components of training inputs that are worth a unit of variance each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from slalom_worker.preprocessing.base import eigh, product

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOOR = 1e-4
"""Components of less than this of the largest variance are dropped: what little the training inputs have along them is
not what other inputs have. On digits this keeps 55 of 64; docs/decisions.md has what was measured.
"""


class Principal(NamedTuple):
    """mean [d]; variances [r] above the floor, falling; axes [d, r], orthonormal, the largest entry of each above 0."""

    mean: NDArray[np.float64]
    variances: NDArray[np.float64]
    axes: NDArray[np.float64]


def principal(inputs: NDArray[np.float64]) -> Principal:
    """The components of inputs [n, d], which are overwritten."""
    mean = inputs.mean(axis=0)
    inputs -= mean
    variances, axes = eigh(product(inputs.T, inputs) / len(inputs))
    kept = np.flatnonzero(variances > FLOOR * variances[-1])[::-1]
    axes = axes[:, kept]
    # an eigenvector has no sign of its own
    largest = np.abs(axes).argmax(axis=0)
    return Principal(mean, variances[kept], axes * np.sign(axes[largest, range(len(kept))]))
