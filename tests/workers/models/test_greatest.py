"""The greatest of each patch, in training and in evaluation, is torch's, to the last bit."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from slalom_worker.models.greatest import Greatest


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (2, 1), (2, 3), (1, 1)])
def test_evaluation_has_the_numbers_of_training(size, stride):
    maps = torch.randn(2, 3, 13, 10, generator=torch.Generator().manual_seed(1))
    maps[0, 0, 4, 4] = float("nan")
    layer = Greatest(size, stride)
    with torch.no_grad():
        found = layer(maps)
    right = functional.max_pool2d(maps, size, stride)
    assert torch.equal(found.view(torch.int32), right.view(torch.int32))
    assert found.is_contiguous()
    assert torch.equal(layer(maps.requires_grad_()).view(torch.int32), right.view(torch.int32))
