"""The two ways of a convolution give the same maps and slopes, and a net trains by the faster one."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from slalom_worker.models.convolved import convolved, product_of_patches


def drawn(*shape):
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(len(shape)))


def products(function, *arguments):
    """How many products of matrices and how many convolutions a call takes."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as found:
        function(*arguments)
    calls = {event.key: event.count for event in found.key_averages()}
    return calls.get("aten::bmm", 0) + calls.get("aten::baddbmm", 0), calls.get("aten::conv2d", 0)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("channels", "stride", "padding"), [(1, 1, 0), (1, 1, 2), (1, 2, 1), (1, 3, 0), (3, 2, 1)])
def test_a_product_of_patches_has_the_maps_and_slopes_of_torchs_convolution(channels, stride, padding, bias):
    pictures = drawn(7, channels, 11, 9)
    weights = [drawn(4, channels, 3, 3).requires_grad_(), *([drawn(4).requires_grad_()] if bias else [])]
    found = product_of_patches(pictures, weights[0], weights[1] if bias else None, stride, padding)
    right = functional.conv2d(pictures, weights[0], weights[1] if bias else None, stride, padding)
    torch.testing.assert_close(found, right, rtol=1e-12, atol=1e-12)
    slope = torch.randn_like(right)
    pairs = zip(*(torch.autograd.grad(maps, weights, slope) for maps in (found, right)), strict=True)
    for own, torchs in pairs:
        torch.testing.assert_close(own, torchs, rtol=1e-12, atol=1e-12)


def test_the_product_is_taken_where_kernels_are_trained_on_pictures_of_one_channel_alone():
    kernels = drawn(4, 1, 3, 3).requires_grad_()
    pictures = drawn(2, 1, 8, 8)
    assert products(convolved, pictures, kernels, None, 1) == (1, 0)
    assert products(convolved, pictures.requires_grad_(), kernels, None, 1) == (0, 1)
    assert products(convolved, drawn(2, 3, 8, 8), drawn(4, 3, 3, 3).requires_grad_(), None, 1) == (0, 1)
    with torch.no_grad():
        assert products(convolved, drawn(2, 1, 8, 8), kernels, None, 1) == (0, 1)
