"""Weight decay as a factor of the weights in the gradient of the mean loss.

A penalty lambda / 2 * sum(w^2) of the mean loss adds lambda * w to its gradient. A penalty lambda * sum(w^2) of the
loss summed over n examples, as in "The Elements of Statistical Learning" (11.5.2), adds 2 * lambda / n * w.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def decay_factor(weight_decay: Mapping[str, Any], examples: int) -> float:
    """The factor of a weight in the gradient.

    weight_decay: {"of": "mean" or "summed", "value": lambda}; examples: number of training examples
    """
    value = float(weight_decay["value"])
    return value if weight_decay["of"] == "mean" else 2 * value / examples
