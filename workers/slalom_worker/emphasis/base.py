"""What an emphasizing scheme is to a pack: how likely each training example is to be presented next.

The files here work on numpy arrays and load without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from slalom.settings import Kind


@dataclass(frozen=True)
class Emphasis:
    """Sampling weights [n] (positive, any scale) from the labels [n], or None: each example once an epoch."""

    weights: Callable[[np.ndarray, Mapping[str, float]], np.ndarray] | None
    parameters: Mapping[str, Kind]
