"""The base of layers that are no linear layers or convolutions of torch's, but that an initialization can fill."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from slalom_worker.initializations.base import Fans


class Fanned(nn.Module):
    """A layer with a `weight` and a `bias` whose weights are drawn part by part."""

    weight: Tensor
    bias: Tensor

    def fans(self) -> Iterator[tuple[Tensor, Fans]]:
        """Views that together are all of the weights, each with its fans, for an initialization to fill."""
        raise NotImplementedError
