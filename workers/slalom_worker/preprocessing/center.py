"""Each feature's mean over the training inputs is subtracted.

Source: Y. LeCun, L. Bottou, G. Orr, K.-R. Mueller 1998, "Efficient BackProp", 4.3, first rule: if all inputs are
positive, a unit's weights can only grow together or shrink together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slalom_worker.preprocessing.base import Fitted, Preprocessing

if TYPE_CHECKING:
    from numpy.typing import NDArray


def find(inputs: NDArray[np.float64]) -> Fitted:
    """A map to inputs of mean 0."""
    return Fitted(inputs.mean(axis=0), np.ones(inputs.shape[1]))


def of_moments(mean: NDArray[np.float64], variance: NDArray[np.float64]) -> Fitted:  # noqa: ARG001 (any is right)
    """The map that `find` gives for inputs with this mean [d]."""
    return Fitted(mean, np.ones(len(mean)))


CENTER = Preprocessing(find, of_moments, keeps_units=True)
