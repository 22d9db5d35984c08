"""Whitened, then turned back to the features: of all whitened inputs the nearest to the original ones.

    x -> (x - mean) C^(-1/2)

Images stay images, so that what looks at neighbouring pixels still can.
Sources: A. Krizhevsky 2009, "Learning multiple layers of features from tiny images", appendix A; A. Bell and
T. Sejnowski 1997, "The independent components of natural scenes are edge filters".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.preprocessing.base import Fitted, Preprocessing, product
from slalom_worker.preprocessing.principal import principal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def find(inputs: NDArray[np.float64]) -> Fitted:
    """A map to inputs of mean 0, whose covariance is the projection on the components that are kept."""
    mean, variances, axes = principal(inputs)
    root = axes / variances**0.25
    return Fitted(mean, product(root, root.T))


ZCA_WHITEN = Preprocessing(find)
