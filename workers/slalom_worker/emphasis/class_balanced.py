"""Rare classes are presented more often, or with larger steps: an example of class k has the weight n_k^(-strength).

At strength 1 every class counts equally, at 0 every example does.
Source: LeCun et al. 1998, "Efficient BackProp", section 4.2 (emphasizing schemes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from slalom.wire.kinds import Number
from slalom_worker.emphasis.base import BY, Emphasis, each

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom_worker.emphasis.base import ExampleState


def weights(state: ExampleState, parameters: Mapping[str, Any]) -> np.ndarray:
    """The examples' weights [n], from how often each class occurs."""
    counts = np.bincount(state.labels)  # of a class without examples 0, which has no such power
    found: np.ndarray = each(counts, lambda count: max(1.0, count) ** -parameters["strength"])[state.labels]
    return found


CLASS_BALANCED = Emphasis(weights, {"strength": Number(1.0, 0.0, 2.0), "by": BY})
