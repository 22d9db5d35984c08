"""Each feature gets mean 0 and variance 1 over the training inputs; a feature that is constant there keeps its scale.

As scikit-learn's StandardScaler. Source: Y. LeCun, L. Bottou, G. Orr, K.-R. Mueller 1998, "Efficient BackProp", 4.3,
second rule: equal covariances let all weights of a unit learn at about the same speed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slalom_worker.preprocessing.base import Fitted, Preprocessing

if TYPE_CHECKING:
    from numpy.typing import NDArray


def find(inputs: NDArray[np.float64]) -> Fitted:
    """A map to inputs of mean 0 and variance 1 (of n, not n - 1)."""
    # by the range, since a constant's computed deviation may differ from 0
    constant = np.ptp(inputs, axis=0) == 0
    deviation = np.where(constant, 1.0, inputs.std(axis=0))
    return Fitted(inputs.mean(axis=0), 1 / deviation)


def of_moments(mean: NDArray[np.float64], variance: NDArray[np.float64]) -> Fitted:
    """The map that `find` gives for inputs with this mean [d] and this variance [d]."""
    return Fitted(mean, 1 / np.sqrt(np.where(variance == 0, 1.0, variance)))


STANDARDIZE = Preprocessing(find, of_moments)
