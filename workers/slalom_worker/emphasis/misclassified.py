"""Examples are presented more often, or with larger steps, the longer the net misclassifies them.

    weight = min((1 + strength)^misses, cap)

where misses counts the epochs in a row, up to this one, that began with the example in the wrong class; in the first
`warm_up` epochs, while most are wrong, every weight is 1. An example that is learned is back at 1. Evaluating the
training examples costs a forward pass an epoch. A mislabelled example stays wrong for good reason: `cap` bounds its
weight. Source: LeCun et al. 1998, "Efficient BackProp", section 4.2, which warns of outliers; the growth by a
factor is that of boosting (Freund and Schapire 1997).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from slalom.wire.kinds import MOST_EPOCHS, Integer, Number, positive
from slalom_worker.emphasis.base import BY, Emphasis, each

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom_worker.emphasis.base import ExampleState

LARGEST = 1e12
"""The largest weight: sums of weights up to LARGEST stay exact enough to draw from."""


def weights(state: ExampleState, parameters: Mapping[str, Any]) -> np.ndarray:
    """The examples' weights [n], from the misses."""
    if state.epoch < parameters["warm_up"]:
        return np.ones(len(state.labels))
    rate = math.log1p(parameters["strength"])
    growth = each(state.misses, lambda misses: math.exp(min(misses * rate, math.log(LARGEST))))
    found: np.ndarray = np.minimum(growth, parameters["cap"])
    return found


MISCLASSIFIED = Emphasis(
    weights,
    {
        "strength": positive(1.0),
        "cap": Number(10.0, low=1.0, high=LARGEST),
        "warm_up": Integer(1, low=0, high=MOST_EPOCHS),
        "by": BY,
    },
    reads_net=True,
)
