"""What an emphasizing scheme is to a pack: how much more one training example counts than another.

The files here work on numpy arrays and load without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from slalom.settings import Choice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from slalom.settings import Kind

BY = Choice("sampling", ("sampling", "weighting"))
"""Whether an emphasized example is drawn more often, with replacement, or takes a bigger step. Both have the same
expected gradient; drawing makes it noisier, bigger steps make single ones larger.
"""


class Standing(NamedTuple):
    """What is known of the n training examples when an epoch begins.

    misses: in how many epochs in a row, up to this one, the net had it in the wrong class [n]; zero where the scheme
        does not read the net
    epoch: from 0
    """

    labels: np.ndarray
    misses: np.ndarray
    epoch: int

    @classmethod
    def first(cls, labels: np.ndarray) -> Standing:
        """Before the first epoch, when nothing is known but the labels."""
        return cls(labels, np.zeros(len(labels)), 0)


def each(values: np.ndarray, function: Callable[[float], float]) -> np.ndarray:
    """The function of each of n values [n], called once for every one that is different.

    For powers and exponentials: numpy's own are rounded otherwise on a processor that has AVX-512.
    """
    found, places = np.unique(values, return_inverse=True)
    return np.array([function(value) for value in found.tolist()], dtype=np.float64)[places]


@dataclass(frozen=True)
class Emphasis:
    """One way of presenting examples.

    weights: how much each counts [n], positive, of any scale; None: each example once an epoch
    parameters: what a study may set; one called "by" is BY, one called "focus" is the power of the doubt about an
        example (1 - the probability of its class) by which its gradient is multiplied
    reads_net: the weights change as the net does, from epoch to epoch
    """

    weights: Callable[[Standing, Mapping[str, Any]], np.ndarray] | None
    parameters: Mapping[str, Kind]
    reads_net: bool = False
