"""Rare classes presented more often, or with a bigger step: an example of class k has weight n_k^(-strength).

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
    """The weights [n], from how often each class occurs."""
    counts = np.bincount(state.labels)
    return each(counts[state.labels], lambda count: float(count) ** -parameters["strength"])


CLASS_BALANCED = Emphasis(weights, {"strength": Number(1.0, 0.0, 2.0), "by": BY})
