"""No augmentation: training pictures stay as the task gives them."""

from __future__ import annotations

from slalom_worker.augmentation.base import Augmentation

NO_AUGMENTATION = Augmentation(None, {})
