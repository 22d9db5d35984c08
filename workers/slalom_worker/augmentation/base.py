"""What an augmentation is to a pack: it replaces a training picture by a changed one, drawn anew at each use.

Like the optimizers, the files here load without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from slalom.wire.kinds import Kind
    from slalom_worker.augmentation.draws import Draws


class Given(NamedTuple):
    """What an augmentation gets in addition to the pictures of a step, B for each of e slots.

    draws: the random numbers of each picture's use
    options: the study's options by name, each [e, 1] float64
    learned: what `Augmentation.learn` gave for each slot's training part [e, ...] float64, or None
    size: height and width of the pictures that the net sees
    """

    draws: Draws
    options: Mapping[str, Tensor]
    learned: Tensor | None
    size: tuple[int, int]


@dataclass(frozen=True)
class Augmentation:
    """One way of changing training pictures. Validation and test pictures are never changed.

    change: (pictures [e, B, channels, height, width], Given) -> changed pictures, in a new tensor. A changed picture
        may depend on the picture and its own slot's numbers alone. None where nothing is changed
    parameters: what a study may set: numbers
    learn: (training pictures as the task gives them, before preprocessing, in parts [n, channels, height, width] that
        may be iterated several times) -> what `change` gets as `Given.learned`; None where nothing is learned
    colors: whether the augmentation needs pictures of several channels, in the task's own units
    """

    change: Callable[[Tensor, Given], Tensor] | None
    parameters: Mapping[str, Kind]
    learn: Callable[[Iterable[NDArray[np.float32]]], NDArray[np.float64]] | None = None
    colors: bool = False
