"""What a layer that is neither torch's linear layer nor its convolution tells an initialization."""

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
        """Views of the weights that an initialization may fill, all together the weights, each with its fans."""
        raise NotImplementedError
