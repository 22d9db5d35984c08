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
"""The least probability 1 - p in the focus (1 - p)^f, so that its logarithm is finite."""


def tensor_of(array: NDArray[Any]) -> Tensor:
    """A tensor over the array's memory, never to be written to: other processes may share the memory."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writ", UserWarning)
        return torch.from_numpy(array)


class Examples(NamedTuple):
    """A split on the device.

    inputs: [n, *shape]; labels: classes [n] or numbers [n, k]; weights: [n] float64 of sum 1, or None where all count
    alike. On the CPU they share the memory of the task's arrays, unless the inputs are preprocessed or converted.
    """

    inputs: Tensor
    labels: Tensor
    weights: Tensor | None

    @classmethod
    def place(cls, split: Split, prepared: Fitted | None, device: torch.device, dtype: torch.dtype) -> Examples:
        """A task's split on a device in a precision; `prepared` is applied to its inputs."""
        inputs = tensor_of(split.inputs if prepared is None else prepared.apply(split.inputs)).to(device, dtype)
        labels = tensor_of(split.labels).to(device)
        weights = None if split.weights is None else tensor_of(split.weights).to(device)
        return cls(inputs, labels.to(dtype) if labels.is_floating_point() else labels, weights)

    def mean(self, values: Tensor) -> Tensor:
        """Means [E] float64 of values [E, n], weighted by the split's weights."""
        values = values.double()
        return values.mean(-1) if self.weights is None else (values * self.weights).sum(-1)

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs [E, B, *shape] and labels [E, B] or numbers [E, B, k] of the examples `index` [E, B]."""
        flat = index.reshape(-1)
        inputs, labels = (part.index_select(0, flat).view(*index.shape, *part.shape[1:]) for part in self[:2])
        return inputs, labels


class Batch(NamedTuple):
    """The examples of a step of E slots.

    examples: which training examples [E, B]
    masks: of each dropout layer that drops anything [E, B, ...], by the layer's name
    weights: what each example's loss is multiplied by in the gradient [E, B], or None where it is 1
    focus: the power f in (1 - p)^f, by which an example's gradient is multiplied, where p is the probability that the
        net gives to the example's class [E, 1]; or None where it is 0
    """

    examples: Tensor
    masks: Mapping[str, Tensor]
    weights: Tensor | None = None
    focus: Tensor | None = None

    def emphasized(self, losses: Tensor) -> Tensor:
        """Losses [E, B] times weights and focus, which themselves have no gradient."""
        found = losses if self.weights is None else losses * self.weights
        if self.focus is None:
            return found
        # of cross-entropy: exp(-loss) is the probability of the example's own class
        doubt = (1 - (-losses.detach()).exp()).clamp(min=LEAST_DOUBT)
        return found * (self.focus * doubt.log()).exp()
