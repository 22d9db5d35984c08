"""What a net sees of a task's pictures: the whole picture, its center or, in evaluation, ten crops."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from slalom.errors import InputError
from slalom.wire.evaluation import seen_shape
from slalom_worker.tasks.data import Data, Split

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from slalom.wire.trial import Work
    from slalom_worker.losses import Loss

    Corner = tuple[int, int]


class View:
    """What the nets of one pack key see; where they see whole pictures, inputs pass unchanged.

    shape: the shape of the task's pictures, (channels, height, width), or of inputs that are no pictures
    seen: the shape of what the net sees
    count: the number of crops of a picture whose predictions are averaged, 1 or 10
    """

    def __init__(self, work: Work, data: Data, loss: Loss) -> None:
        """Raise InputError where the study evaluates by ten crops, but the loss cannot average predictions."""
        self._data = data
        self._whole = work.evaluation["by"] == "whole"
        self._loss, self._options = loss, work.loss
        self.count = 10 if work.evaluation["by"] == "ten_crop" else 1
        self.shape = picture_shape(data.net_shape)
        self.seen = seen_shape(self.shape, work.evaluation)
        if self.count > 1 and loss.average is None:
            raise InputError(f"evaluation ten_crop averages predictions, and loss {work.loss['name']} has no mean")

    @cached_property
    def data(self) -> Data:
        """The data as the net sees them; only two examples of each part where the net sees crops."""
        if self._whole:
            return self._data
        data = self._data
        train, validation, test = (self._some(part) for part in (data.train, data.validation, data.test))
        picture: Any = None if data.picture is None else self.seen
        return Data(train, validation, test, data.classes, bound=data.bound, picture=picture)

    def _some(self, part: Split) -> Split:
        inputs: NDArray[np.float32] = self.center(torch.tensor(part.inputs[:2])).numpy()
        return Split(inputs, part.labels[:2])

    def pictures(self, inputs: Tensor) -> Tensor:
        """The task's inputs [E, B, ...] as pictures [E, B, channels, height, width]."""
        return inputs.reshape(*inputs.shape[:2], *self.shape)

    def inputs(self, pictures: Tensor) -> Tensor:
        """Pictures [.., channels, h, w], of any size, in the layout of the task's inputs [.., *shape]."""
        shape, lead = self._data.shape, pictures.shape[:-3]
        own: tuple[int, ...] = pictures.shape[-len(shape) :] if shape == self.shape[-len(shape) :] else (-1,)
        if pictures.shape[-3:] == self.shape:
            own = shape
        # programs are recorded for contiguous inputs, as a step's are gathered
        return pictures.reshape(*lead, *own).contiguous()

    def center(self, inputs: Tensor) -> Tensor:
        """What the net sees in training of inputs [.., *shape] without augmentation: their center, or all of them."""
        return inputs if self._whole else self._crop(inputs, self._middle)

    def of_evaluation(self, inputs: Tensor) -> Tensor:
        """What the net sees in evaluation [E, count * B, ...] of inputs [E, B, *shape], one crop after the other."""
        if self.count == 1:
            return self.center(inputs)
        found = [
            self._crop(inputs, corner, mirrored=mirrored) for mirrored in (False, True) for corner in self._corners
        ]
        return torch.cat(found, dim=1)

    def predicted(self, outputs: Tensor) -> Tensor:
        """Outputs [E, B, k] that predict each picture's mean over its crops, from the crops' [E, count * B, k]."""
        if self.count == 1 or self._loss.average is None:
            return outputs
        return self._loss.average(torch.split(outputs, outputs.shape[1] // self.count, dim=1), self._options)

    def predict(self, net: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
        """The outputs [B, k] of a single net for inputs [B, *shape]."""
        return self.predicted(net(self.of_evaluation(inputs.unsqueeze(0))[0]).unsqueeze(0))[0]

    @property
    def _middle(self) -> Corner:
        (height, width), (high, wide) = self.shape[-2:], self.seen[-2:]
        return (height - high) // 2, (width - wide) // 2

    @property
    def _corners(self) -> Sequence[Corner]:
        """The first row and column of the four corner crops and of the center crop."""
        bottom, right = (own - seen for own, seen in zip(self.shape[-2:], self.seen[-2:], strict=True))
        return ((0, 0), (0, right), (bottom, 0), (bottom, right), self._middle)

    def _crop(self, inputs: Tensor, corner: Corner, *, mirrored: bool = False) -> Tensor:
        (top, left), (high, wide) = corner, self.seen[-2:]
        lead = inputs.shape[: inputs.dim() - len(self._data.shape)]
        part = inputs.reshape(*lead, *self.shape)[..., top : top + high, left : left + wide]
        return self.inputs(part.flip(-1) if mirrored else part)


def picture_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape (1, height, width) for a picture (height, width); any other shape unchanged."""
    return (1, *shape) if len(shape) == 2 else shape
