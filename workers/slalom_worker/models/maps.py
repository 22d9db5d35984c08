"""A convolution each of whose maps sees only those of the maps before that a table lists."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn

from slalom_worker.initializations.base import Fans
from slalom_worker.models.beginnings import BEGINNINGS
from slalom_worker.models.convolved import convolved
from slalom_worker.models.fanned import Fanned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor


class Maps(Fanned):
    """From maps [B, inputs, H, W] to maps [B, len(table), h, w].

    weight: a kernel for each pair of a map and one that it sees, in the table's order, [pairs, kernel, kernel]
    bias: one for each map [maps], or one for each unit [maps * h * w]
    """

    kernels: Tensor

    def __init__(
        self,
        inputs: int,
        table: Sequence[Sequence[int]],
        kernel: int,
        stride: int,
        places: tuple[int, int] | None,
        begin: str,
    ) -> None:
        """table: for each map, the maps before that it sees.

        places: (h, w) where each unit has a bias of its own, else None
        begin: how weights are drawn, a key of BEGINNINGS
        """
        super().__init__()
        self.inputs, self.table, self.stride, self.places, self.begin = inputs, table, stride, places, begin
        pairs = sum(map(len, table))
        self.weight = nn.Parameter(torch.empty(pairs, kernel, kernel))
        units = 1 if places is None else places[0] * places[1]
        self.bias = nn.Parameter(torch.empty(len(table) * units))
        where = torch.full((len(table), inputs), pairs)  # the index behind the last kernel is a kernel of zeros
        for number, (row, column) in enumerate((row, column) for row, seen in enumerate(table) for column in seen):
            where[row, column] = number
        self.register_buffer("kernels", where.flatten())
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew, map by map."""
        beginning = BEGINNINGS[self.begin]
        biases = self.bias.view(len(self.table), -1)
        for (weights, fans), bias in zip(self.fans(), biases, strict=True):
            beginning.fill(weights, bias, fans.inputs)

    def fans(self) -> Iterator[tuple[Tensor, Fans]]:
        """See Fanned: one view for each map, of the map's kernels."""
        ends = [0]
        for seen in self.table:
            ends.append(ends[-1] + len(seen))
        size = self.weight[0].numel()
        for first, last in pairwise(ends):
            yield self.weight[first:last], Fans((last - first) * size, len(self.table) * size)

    def forward(self, inputs: Tensor) -> Tensor:
        """The maps, before the activation."""
        known = torch.cat([self.weight, torch.zeros_like(self.weight[:1])])
        kernels = known.index_select(0, self.kernels).view(len(self.table), self.inputs, *self.weight.shape[1:])
        if self.places is None:
            return convolved(inputs, kernels, self.bias, self.stride)
        return convolved(inputs, kernels, None, self.stride) + self.bias.view(-1, *self.places)
