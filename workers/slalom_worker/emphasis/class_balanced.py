"""Rare classes presented more often: an example of class k is drawn with weight n_k^(-strength).

At strength 1 every class is drawn equally often, at 0 every example is. Drawn with replacement.
Source: LeCun et al. 1998, "Efficient BackProp", section 4.2 (emphasizing schemes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slalom.settings import Number
from slalom_worker.emphasis.base import Emphasis

if TYPE_CHECKING:
    from collections.abc import Mapping


def weights(labels: np.ndarray, parameters: Mapping[str, float]) -> np.ndarray:
    """Sampling weights [n] from labels [n]."""
    counts = np.bincount(labels)
    drawn: np.ndarray = counts[labels].astype(np.float64) ** -parameters["strength"]
    return drawn


CLASS_BALANCED = Emphasis(weights, {"strength": Number(1.0, 0.0, 2.0)})
