"""What an emphasizing scheme is to a pack: it says how much more one training example counts than another.

The files here work on numpy arrays and load without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from slalom.wire.kinds import Choice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from slalom.wire.kinds import Kind

BY = Choice("sampling", ("sampling", "weighting"))
"""How an example is emphasized: it is drawn more often, with replacement, or its loss is multiplied by its weight.

Both have the same expected gradient. Drawing makes the gradient noisier, weighting makes single steps larger.
"""


class ExampleState(NamedTuple):
    """The state of the n training examples when an epoch begins.

    labels: [n]
    misses: the number of epochs in a row, up to this one, at whose beginning the net put the example in the wrong
        class [n]; zero where the scheme does not read the net
    epoch: this epoch's number, from 0
    """

    labels: np.ndarray
    misses: np.ndarray
    epoch: int

    @classmethod
    def first(cls, labels: np.ndarray) -> ExampleState:
        """The state before the first epoch, with no misses yet."""
        return cls(labels, np.zeros(len(labels)), 0)


def each(values: np.ndarray, function: Callable[[float], float]) -> np.ndarray:
    """A Python function of each of n values, [n]; it is called once for each different value.

    This is for powers and exponentials, which numpy rounds differently on a processor with AVX-512.
    """
    found, places = np.unique(values, return_inverse=True)
    return np.array([function(value) for value in found.tolist()], dtype=np.float64)[places]


@dataclass(frozen=True)
class Emphasis:
    """One way of presenting examples.

    weights: (state, parameters) -> how much each example counts [n], positive, of any scale; None where every
        example comes once an epoch; asked when an epoch begins
    parameters: what a study may set; one called "by" is BY, without which examples are drawn; one called "focus" is the
        power f in (1 - p)^f, by which an example's gradient is multiplied, where p is the probability that the net
        gives to the example's class
    reads_net: whether the weights depend on `ExampleState.misses`
    """

    weights: Callable[[ExampleState, Mapping[str, Any]], np.ndarray] | None
    parameters: Mapping[str, Kind]
    reads_net: bool = False
