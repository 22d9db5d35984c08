"""A linear layer whose results lie in memory by feature, then by example.

With few features and many examples that is several times faster for a stack of nets: products of small matrices have
a long contiguous side, the gradient comes in the weights' layout, and the softmax over classes combines whole rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class Linear(nn.Linear):
    """torch.nn.Linear on [B, in_features], with the same weights and the same initialisation."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's name)
        """Outputs [B, out_features], a view of a tensor [out_features, B]."""
        product: Tensor = self.weight @ input.mT
        return (product if self.bias is None else product + self.bias.unsqueeze(-1)).mT
