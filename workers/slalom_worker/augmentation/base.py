"""What an augmentation is to a pack: another picture in place of a training picture, drawn anew at each use.

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
    """What an augmentation has beside the pictures of a step of e slots, B for each.

    draws: the random numbers of each picture's use
    options: what the study sets, by name, [e, 1] float64
    learned: what was learned from each slot's training part [e, ...] float64, or None
    size: height and width of the pictures that the net sees
    """

    draws: Draws
    options: Mapping[str, Tensor]
    learned: Tensor | None
    size: tuple[int, int]


@dataclass(frozen=True)
class Augmentation:
    """One way of changing training pictures. Pictures of validation and test are never changed.

    change: (pictures [e, B, channels, height, width], what is given) -> changed pictures, in a tensor of their own.
        Each may depend on itself and its own slot's numbers alone. None where nothing is changed
    parameters: what a study may set of it: numbers
    learn: (training pictures as the task gives them, before preprocessing, in parts [n, channels, height, width] that
        may be gone through several times) -> what is handed to `change` as `learned`; None where nothing is learned
    colors: whether it is of pictures that have colours, that is several channels, in the task's own units
    """

    change: Callable[[Tensor, Given], Tensor] | None
    parameters: Mapping[str, Kind]
    learn: Callable[[Iterable[NDArray[np.float32]]], NDArray[np.float64]] | None = None
    colors: bool = False
