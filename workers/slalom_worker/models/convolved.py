"""Torch's convolution, computed by the faster of two ways on a CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor


def convolved(inputs: Tensor, kernels: Tensor, bias: Tensor | None, stride: int, padding: int = 0) -> Tensor:
    """Maps [B, maps, h, w] of inputs [B, channels, H, W] and kernels [maps, channels, k, k], plus a bias [maps] if any.

    Where kernels are trained on pictures of one channel, the maps are a product with patches, for which a CPU computes
    the kernels' gradient faster (`make bench ONLY=routes`). That way is not used for inputs that need a gradient, as
    behind another layer, nor in evaluation, where the patches would only take memory.
    """
    first = inputs.shape[1] == 1 and not inputs.requires_grad
    if first and torch.is_grad_enabled() and inputs.device.type == "cpu":
        return product_of_patches(inputs, kernels, bias, stride, padding)
    return functional.conv2d(inputs, kernels, bias, stride, padding)


def product_of_patches(inputs: Tensor, kernels: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
    """As `convolved`: every patch of the inputs is copied into a column, and the maps are one matrix product."""
    side = kernels.shape[-1]
    framed = functional.pad(inputs, [padding] * 4) if padding else inputs
    places = framed.unfold(2, side, stride).unfold(3, side, stride)  # [B, channels, h, w, k, k]
    patches = places.permute(0, 1, 4, 5, 2, 3).reshape(len(inputs), kernels[0].numel(), -1)
    weights = kernels.flatten(1).expand(len(inputs), -1, -1)
    maps = weights @ patches if bias is None else torch.baddbmm(bias.unsqueeze(1), weights, patches)
    return maps.view(*maps.shape[:2], *places.shape[2:4])
