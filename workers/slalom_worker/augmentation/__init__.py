"""The augmentations that a study can name: one file each, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.augmentation.base import Augmentation, Given
from slalom_worker.augmentation.color_jitter import COLOR_JITTER
from slalom_worker.augmentation.crop import CROP
from slalom_worker.augmentation.distort import DISTORT
from slalom_worker.augmentation.draws import Draws
from slalom_worker.augmentation.mirror import MIRROR
from slalom_worker.augmentation.none import NO_AUGMENTATION
from slalom_worker.augmentation.shift import SHIFT

if TYPE_CHECKING:
    from collections.abc import Mapping

AUGMENTATION: Mapping[str, Augmentation] = {
    "none": NO_AUGMENTATION,
    "shift": SHIFT,
    "crop": CROP,
    "mirror": MIRROR,
    "color_jitter": COLOR_JITTER,
    "distort": DISTORT,
}

__all__ = ["AUGMENTATION", "Augmentation", "Draws", "Given"]
