"""Inputs are whitened, then rotated back to the features: of all whitenings the nearest to the original inputs.

    x -> (x - mean) C^(-1/2)

Pictures stay pictures, so that nets that use neighbouring pixels still can.
Sources: A. Krizhevsky 2009, "Learning multiple layers of features from tiny images", appendix A; A. Bell and
T. Sejnowski 1997, "The independent components of natural scenes are edge filters".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slalom_worker.preprocessing.base import Fitted, Preprocessing, product
from slalom_worker.preprocessing.principal import principal

if TYPE_CHECKING:
    from numpy.typing import NDArray


def find(inputs: NDArray[np.float64]) -> Fitted:
    """A map to inputs of mean 0, whose covariance is the projection onto the kept components."""
    mean, variances, axes = principal(inputs)
    # Python's powers: numpy's round differently on a processor with AVX-512
    root = axes / np.array([variance**0.25 for variance in variances.tolist()])
    return Fitted(mean, product(root, root.T))


ZCA_WHITEN = Preprocessing(find)
