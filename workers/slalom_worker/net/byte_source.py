"""A source of inputs that are bytes of pictures, and become numbers only when a step takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from slalom_worker.net.examples import Source, in_precision

if TYPE_CHECKING:
    from torch import Tensor

    from slalom_worker.preprocessing import Fitted

HELD_BYTES = 1 << 32
"""Most bytes of pictures that are put on a GPU. More stay where they are, usually in a file on the node, and a thread
reads those of the next steps while a step is trained.
"""


def placed_bytes(inputs: Tensor, device: torch.device) -> Tensor:
    """The bytes on the device, or unchanged if they are more than HELD_BYTES."""
    return inputs if inputs.nbytes > HELD_BYTES else inputs.to(device)


@dataclass(eq=False)
class ByteSource(Source):
    """Inputs [N, *shape] that are bytes; taken inputs are divided by 255, and preprocessed if `prepared` is given.

    inputs: on the device, or on the CPU where they are more than HELD_BYTES
    device, dtype: the device and the precision of taken inputs
    prepared: a preprocessing that maps each number by itself, or None
    """

    device: torch.device
    dtype: torch.dtype
    prepared: Fitted | None = None

    @property
    def far(self) -> bool:
        """See Source: whether the bytes are not on the device."""
        return self.inputs.nbytes > HELD_BYTES

    def fetch(self, rows: Tensor) -> Tensor:
        """The bytes of the rows; may be called in a thread."""
        found = torch.index_select(self.inputs, 0, rows.reshape(-1).to(self.inputs.device))
        return found.view(*rows.shape, *self.inputs.shape[1:])

    def give(self, fetched: Tensor, into: Tensor | None = None) -> Tensor:
        """The net's inputs for these bytes; written to `into` unless that is None."""
        found = self._numbers(fetched)
        return found if into is None else into.copy_(found)

    def between(self, first: int, last: int) -> Tensor:
        """See Source; never a view."""
        return self._numbers(self.inputs[first:last])

    def empty(self, *shape: int) -> Tensor:
        """See Source."""
        return torch.empty(*shape, *self.inputs.shape[1:], dtype=self.dtype, device=self.device)

    def _numbers(self, fetched: Tensor) -> Tensor:
        found = fetched.to(self.device)
        if self.prepared is None:
            return in_precision(found, self.dtype)
        # as Fitted.apply does: in float64, on numbers that were float32
        shift, factor = (torch.as_tensor(part, device=self.device) for part in self.prepared)
        wide = in_precision(found, torch.float32).double().flatten(-len(self.inputs.shape[1:]))
        return wide.sub_(shift).mul_(factor).float().to(self.dtype).view(found.shape)
