"""Local connectivity without shared weights: each unit sees a patch, by weights and a bias of its own.

Source: LeCun 1989, "Generalization and network design strategies", which compares it with shared weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from slalom_worker.initializations.base import Fans
from slalom_worker.models.beginnings import BEGINNINGS
from slalom_worker.models.fanned import Fanned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


class Local(Fanned):
    """From maps [B, inputs, H, W] to maps [B, channels, h, w].

    weight: [h * w, channels, inputs * kernel * kernel]; bias: [channels * h * w]
    """

    def __init__(
        self, inputs: int, channels: int, kernel: int, stride: int, padding: int, places: tuple[int, int]
    ) -> None:
        """places: (h, w)."""
        super().__init__()
        self.kernel, self.stride, self.padding, self.places = kernel, stride, padding, places
        sites = places[0] * places[1]
        self.weight = nn.Parameter(torch.empty(sites, channels, inputs * kernel**2))
        self.bias = nn.Parameter(torch.empty(channels * sites))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew, as torch draws a convolution's."""
        BEGINNINGS["torch"].fill(self.weight, self.bias, self.weight.shape[2])

    def fans(self) -> Iterator[tuple[Tensor, Fans]]:
        """See Fanned."""
        yield self.weight, Fans(self.weight.shape[2], self.weight.shape[1] * self.kernel**2)

    def forward(self, inputs: Tensor) -> Tensor:
        """The maps, before the activation."""
        patches = functional.unfold(inputs, self.kernel, padding=self.padding, stride=self.stride)
        units = self.weight @ patches.permute(2, 1, 0)  # [h * w, channels, B]
        return units.permute(2, 1, 0).reshape(len(inputs), -1, *self.places) + self.bias.view(-1, *self.places)
