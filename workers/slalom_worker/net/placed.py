"""The splits of a pack's task on the device: the task's own, and those that are drawn by a seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from slalom_worker.net.byte_source import ByteSource, placed_bytes
from slalom_worker.net.examples import Examples, Source, in_precision, tensor_of
from slalom_worker.net.view import picture_shape
from slalom_worker.preprocessing import NOTHING
from slalom_worker.preprocessing.base import ROWS, as_numbers
from slalom_worker.tasks.parts import Part, draw, own_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from slalom_worker.augmentation import Augmentation
    from slalom_worker.preprocessing import Fitted, Preprocessing
    from slalom_worker.tasks.base import Task
    from slalom_worker.tasks.data import Data, Split
    from slalom_worker.tasks.parts import Parts

SMALL_BYTES = 1 << 26
"""Most bytes up to which inputs that belong to one split alone are put into one tensor: one call then gathers a step's
examples for all slots, whatever their splits.
"""


@dataclass
class PlacedSplit:
    """A split on the device.

    labels: the training examples' labels, as an array on the CPU
    prepared: the preprocessing that was learned on the training examples, or None where the study asks for none
    """

    train: Examples
    validation: Examples
    labels: NDArray[Any]
    prepared: Fitted | None
    _parts: Parts
    _shelf: Shelf
    _picture: tuple[int, ...]
    _learned: dict[object, Tensor] = field(default_factory=dict)

    @cached_property
    def test(self) -> Examples:
        """The test examples, which are put on the device when a confirm trial first asks for them."""
        return self._shelf.place(self._parts.test, self.prepared)

    @property
    def given(self) -> Split:
        """The training examples as the task gives them, before any preprocessing, on the CPU."""
        return self._parts.train.split()

    def learned(self, augmentation: Augmentation) -> Tensor | None:
        """What an augmentation learns from the task's training pictures, float64 on the device; None if nothing."""
        learn = augmentation.learn
        if learn is None:
            return None
        if learn not in self._learned:
            self._learned[learn] = self._shelf.put(learn(_Pictures(self._parts.train, self._picture)))
        return self._learned[learn]


class _Pictures:
    """Iterates over a part's pictures as numbers, ROWS at a time: there may be more than memory holds."""

    def __init__(self, part: Part, picture: tuple[int, ...]) -> None:
        self._part, self._picture = part, picture

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(self._part.rows), ROWS):
            some = self._part.inputs[self._part.rows[start : start + ROWS]]
            yield as_numbers(some).reshape(-1, *self._picture)


class PlacedSplits:
    """The splits of one pack key, each put on the device when a trial first needs it, and kept.

    Memory holds the task's arrays once, and for each split its parts' rows and labels. A split has inputs of its own
    only where inputs are preprocessed, or drawn from a generator. Bytes of pictures are preprocessed when a step takes
    them, where the preprocessing maps each number by itself.
    """

    def __init__(
        self,
        data: Data,
        task: Task | None,
        preprocess: Preprocessing,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        """preprocess: the study's preprocessing of inputs."""
        self._data = data
        self._task = task
        self._preprocess = preprocess
        self._shelf = Shelf([split.inputs for split in (data.train, data.validation, data.test)], device, dtype)
        self._keep_pool()
        self._found: dict[int | None, PlacedSplit] = {}

    def __call__(self, seed: int | None) -> PlacedSplit:
        """The split drawn by a seed, or the task's own; InputError where it cannot be drawn."""
        if seed not in self._found:
            self._found[seed] = self._place(self._parts(seed))
        return self._found[seed]

    def _parts(self, seed: int | None) -> Parts:
        if seed is None:
            return self._own
        if self._data.pool is None:
            self._data = self._data.pooled()
            self._keep_pool()
        pool: Any = self._data.pool
        return draw(self._task, pool, self._own, seed)

    def _keep_pool(self) -> None:
        if self._data.pool is not None:
            self._shelf.keep(self._data.pool.inputs)

    @cached_property
    def _own(self) -> Parts:
        return own_parts(self._data)

    def _place(self, parts: Parts) -> PlacedSplit:
        prepared = None
        if self._preprocess is not NOTHING:
            prepared = _fit(self._preprocess, parts.train)
        train, validation = (self._shelf.place(part, prepared) for part in parts[:2])
        picture = picture_shape(self._data.net_shape)
        return PlacedSplit(train, validation, parts.train.labels, prepared, parts, self._shelf, picture)


def _fit(preprocess: Preprocessing, train: Part) -> Fitted:
    """What a preprocessing learns on a training part."""
    if train.inputs.dtype == np.uint8:
        return preprocess.fit_bytes(train.inputs, train.rows)
    return preprocess.fit(train.split().inputs)


class Shelf:
    """Puts parts on the device. Parts that share inputs share a source, and each part is put there once."""

    def __init__(self, kept: Sequence[NDArray[Any]], device: torch.device, dtype: torch.dtype) -> None:
        """kept: the inputs of the task's data, which are copied only where the device or the precision requires it."""
        self._kept = {id(inputs): inputs for inputs in kept}
        self._device = device
        self._dtype = dtype
        self._sources: dict[int, Source] = {}
        self._bytes: dict[int, Tensor] = {}
        self._parts: dict[int, tuple[Part, Examples]] = {}
        self._small: Source | None = None

    def keep(self, inputs: NDArray[Any]) -> None:
        """Treat further inputs as the task's data; see `kept`."""
        self._kept[id(inputs)] = inputs

    def place(self, part: Part, prepared: Fitted | None) -> Examples:
        """A part on the device; `prepared` is applied to its inputs."""
        if prepared is not None:
            if part.inputs.dtype == np.uint8 and prepared.factor.ndim == 1:
                return self._examples(part, self._byte_source(part.inputs, prepared), 0)
            part = Part(prepared.apply(part.split().inputs), np.arange(len(part.rows)), *part[2:])
            return self._examples(part, *self._beside(part.inputs))
        if id(part) not in self._parts:
            known = id(part.inputs) in self._kept
            source, first = (self._source(part.inputs), 0) if known else self._beside(part.inputs)
            self._parts[id(part)] = part, self._examples(part, source, first)
        return self._parts[id(part)][1]

    def put(self, numbers: NDArray[np.float64]) -> Tensor:
        """Numbers on the device, in their own precision."""
        return tensor_of(numbers).to(self._device)

    def _source(self, inputs: NDArray[Any]) -> Source:
        if id(inputs) not in self._sources:
            of_bytes = inputs.dtype == np.uint8
            self._sources[id(inputs)] = self._byte_source(inputs) if of_bytes else Source(self._on_device(inputs))
        return self._sources[id(inputs)]

    def _byte_source(self, inputs: NDArray[Any], prepared: Fitted | None = None) -> ByteSource:
        """A source over bytes, which are put on the device once, whatever the preprocessing."""
        if id(inputs) not in self._bytes:
            self.keep(inputs)
            self._bytes[id(inputs)] = placed_bytes(tensor_of(inputs), self._device)
        return ByteSource(self._bytes[id(inputs)], self._device, self._dtype, prepared)

    def _beside(self, inputs: NDArray[Any]) -> tuple[Source, int]:
        """A source with these inputs, and the first of their rows in the source."""
        placed = self._on_device(inputs)
        before = None if self._small is None else self._small.inputs
        if before is not None and before.nbytes + placed.nbytes <= SMALL_BYTES and self._small is not None:
            self._small.inputs = torch.cat([before, placed])
            return self._small, len(before)
        source = Source(placed)
        if before is None and placed.nbytes <= SMALL_BYTES:
            self._small = source
        return source, 0

    def _examples(self, part: Part, source: Source, first: int) -> Examples:
        labels = tensor_of(part.labels).to(self._device)
        weights = None if part.weights is None else tensor_of(part.weights).to(self._device)
        return Examples(
            source,
            tensor_of(part.rows + first).to(self._device),
            labels.to(self._dtype) if labels.is_floating_point() else labels,
            weights,
            None if part.start is None else part.start + first,
        )

    def _on_device(self, inputs: NDArray[Any]) -> Tensor:
        return in_precision(tensor_of(inputs).to(self._device), self._dtype)
