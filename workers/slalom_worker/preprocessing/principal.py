"""The principal components of training inputs, without those of too little variance to be scaled to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from slalom_worker.preprocessing.base import eigh, product

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOOR = 1e-4
"""Components with less than this share of the largest variance are dropped: the small variance of training inputs along
them says nothing about other inputs. On digits 55 of 64 are kept; docs/decisions.md has what was measured.
"""


class Principal(NamedTuple):
    """Principal components.

    mean: [d]
    variances: [r], the largest first, all above the floor
    axes: [d, r], orthonormal, with the largest entry of each above 0
    """

    mean: NDArray[np.float64]
    variances: NDArray[np.float64]
    axes: NDArray[np.float64]


def principal(inputs: NDArray[np.float64]) -> Principal:
    """The principal components of inputs [n, d], which are overwritten."""
    mean = inputs.mean(axis=0)
    inputs -= mean
    variances, axes = eigh(product(inputs.T, inputs) / len(inputs))
    kept = np.flatnonzero(variances > FLOOR * variances[-1])[::-1]
    axes = axes[:, kept]
    # the sign of an eigenvector is arbitrary
    largest = np.abs(axes).argmax(axis=0)
    return Principal(mean, variances[kept], axes * np.sign(axes[largest, range(len(kept))]))
