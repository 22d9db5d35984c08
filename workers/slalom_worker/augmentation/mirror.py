"""A random `share` of the pictures is mirrored: left and right are exchanged.

Source: Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural networks", 4.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import Number
from slalom_worker.augmentation.base import Augmentation

if TYPE_CHECKING:
    from torch import Tensor

    from slalom_worker.augmentation.base import Given


def change(pictures: Tensor, given: Given) -> Tensor:
    """The pictures, of which some are mirrored."""
    chosen = given.draws.uniform(1).squeeze(-1) < given.options["share"]
    return pictures.flip(-1).where(chosen[..., None, None, None], pictures)


MIRROR = Augmentation(change, {"share": Number(0.5, 0.0, 1.0)})
