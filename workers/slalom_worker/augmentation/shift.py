"""Pictures are moved by up to `pixels` whole pixels on each axis, all equally likely.

Pixels that leave the picture are lost, and those that come in are 0. Source: the translations of LeCun et al. 1998,
"Gradient-based learning applied to document recognition", III.C, by whole pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import Integer
from slalom_worker.augmentation.base import Augmentation
from slalom_worker.augmentation.places import window

if TYPE_CHECKING:
    from torch import Tensor

    from slalom_worker.augmentation.base import Given


def change(pictures: Tensor, given: Given) -> Tensor:
    """The moved pictures."""
    most = given.options["pixels"].unsqueeze(-1)
    corners = ((given.draws.uniform(2) * (2 * most + 1)).floor() - most).long()
    height, width = pictures.shape[-2:]
    return window(pictures, corners[..., 0], corners[..., 1], (height, width))


SHIFT = Augmentation(change, {"pixels": Integer(None, low=0, high=10_000)})
