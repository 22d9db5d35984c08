"""A task's examples on the device, and what a step takes of them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from slalom_worker.preprocessing import Fitted
    from slalom_worker.tasks.data import Split

LEAST_DOUBT = 1e-6
"""Probability that a net leaves to other classes; less is taken as so much, whose logarithm is a number."""


def tensor_of(array: NDArray[Any]) -> Tensor:
    """An array as a tensor in the same memory, which may be other processes' too: never to be written to."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writ", UserWarning)
        return torch.from_numpy(array)


class Examples(NamedTuple):
    """A split on the device: inputs [n, *shape], labels [n] or numbers [n, k], weights [n] float64 of sum 1 or None.

    On the CPU they lie where the task's arrays do, unless they are of another precision or prepared.
    """

    inputs: Tensor
    labels: Tensor
    weights: Tensor | None

    @classmethod
    def place(cls, split: Split, prepared: Fitted | None, device: torch.device, dtype: torch.dtype) -> Examples:
        """A split, its inputs prepared."""
        inputs = tensor_of(split.inputs if prepared is None else prepared.apply(split.inputs)).to(device, dtype)
        labels = tensor_of(split.labels).to(device)
        weights = None if split.weights is None else tensor_of(split.weights).to(device)
        return cls(inputs, labels.to(dtype) if labels.is_floating_point() else labels, weights)

    def mean(self, values: Tensor) -> Tensor:
        """Weighted means [E] float64 of values [E, n]."""
        values = values.double()
        return values.mean(-1) if self.weights is None else (values * self.weights).sum(-1)

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs [E, B, *shape] and labels [E, B] or numbers [E, B, k] of the examples `index` [E, B]."""
        flat = index.reshape(-1)
        inputs, labels = (part.index_select(0, flat).view(*index.shape, *part.shape[1:]) for part in self[:2])
        return inputs, labels


class Batch(NamedTuple):
    """What a step of E slots is taken on.

    examples: which training examples, [E, B]
    masks: [E, B, ...] of the dropout layers that drop anything
    weights: what each example's loss is multiplied by in the gradient [E, B], or None for 1
    focus: how much more the gradient looks at examples that a net is unsure of [E, 1], or None for not at all
    """

    examples: Tensor
    masks: Mapping[str, Tensor]
    weights: Tensor | None = None
    focus: Tensor | None = None

    def emphasized(self, losses: Tensor) -> Tensor:
        """Losses [E, B] whose gradient has the batch's emphasis; the emphasis itself has no gradient."""
        found = losses if self.weights is None else losses * self.weights
        if self.focus is None:
            return found
        # of cross-entropy: exp(-loss) is the probability of the example's own class
        doubt = (1 - (-losses.detach()).exp()).clamp(min=LEAST_DOUBT)
        return found * (self.focus * doubt.log()).exp()
