"""Inputs along their principal components, each with variance 1: features without correlation, the largest first.

Where there are fewer components than features, the last features are 0.
Source: Y. LeCun, L. Bottou, G. Orr, K.-R. Mueller 1998, "Efficient BackProp", 4.3, third rule and figure 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slalom_worker.preprocessing.base import Fitted, Preprocessing
from slalom_worker.preprocessing.principal import principal

if TYPE_CHECKING:
    from numpy.typing import NDArray


def find(inputs: NDArray[np.float64]) -> Fitted:
    """A map to inputs of mean 0 and covariance diag(1, ..., 1, 0, ..., 0)."""
    mean, variances, axes = principal(inputs)
    factor = np.zeros((len(mean), len(mean)))
    factor[:, : len(variances)] = axes / np.sqrt(variances)
    return Fitted(mean, factor)


PCA_WHITEN = Preprocessing(find, keeps_places=False)
