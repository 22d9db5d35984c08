"""A part of each picture, of the size that the net sees, at a uniformly random place.

First the picture is framed by `pad` pixels of 0. Where the net sees whole pictures, the part is the picture moved by up
to `pad` pixels; where `evaluation` is by crops, the part is smaller than the picture.
Sources: Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural networks", 4.1
(224 x 224 of 256 x 256); with a frame, He et al. 2016, "Deep residual learning for image recognition", 4.2.
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
    """The parts [e, B, channels, *size]."""
    pad, draws = given.options["pad"], given.draws.uniform(2)
    sides = zip(pictures.shape[-2:], given.size, strict=True)
    top, left = (
        ((draws[..., axis] * (own + 2 * pad - seen + 1)).floor() - pad).long() for axis, (own, seen) in enumerate(sides)
    )
    return window(pictures, top, left, given.size)


CROP = Augmentation(change, {"pad": Integer(0, low=0, high=10_000)})
