"""A task's examples on the device: a part of a split, parts of many slots side by side, and a step's batch."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from slalom_worker.net.ahead import ahead

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

AHEAD_BYTES = 1 << 18
"""Bytes of inputs that are gathered at once, few enough for a core's cache: several steps, or at least one."""

KEPT_BYTES = 1 << 24
"""Most bytes of gathered inputs that are kept from one evaluation to the next; more are gathered each time."""

LEAST_DOUBT = 1e-6
"""The least value of 1 - p in the focus (1 - p)^f, so that the logarithm is finite."""


def tensor_of(array: NDArray[Any]) -> Tensor:
    """A tensor over the array's memory. Never write to the tensor: other processes may share the memory."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writ", UserWarning)
        return torch.from_numpy(array)


def in_precision(inputs: Tensor, dtype: torch.dtype) -> Tensor:
    """Inputs in a precision: bytes, which are of pictures, are divided by 255; other whole numbers, as words, stay."""
    if inputs.dtype == torch.uint8:
        # by a tensor: a GPU multiplies by a number's reciprocal, which rounds differently
        return inputs.to(dtype).div_(torch.full((), 255.0, dtype=dtype, device=inputs.device))
    return inputs.to(dtype) if inputs.is_floating_point() else inputs


@dataclass(eq=False)
class Source:
    """Inputs [N, *shape] on the device, of which parts of one or more splits are rows; `inputs` may grow."""

    inputs: Tensor

    @property
    def far(self) -> bool:
        """Whether `fetch` may take long, so that it is called ahead of the step."""
        return False

    def take(self, rows: Tensor, into: Tensor | None = None) -> Tensor:
        """Inputs [E, B, *shape] of rows [E, B]; written to `into`, a tensor of that shape, unless it is None."""
        return self.give(self.fetch(rows), into)

    def fetch(self, rows: Tensor) -> Tensor:
        """What `give` makes the inputs of: here the rows themselves."""
        return rows

    def give(self, fetched: Tensor, into: Tensor | None = None) -> Tensor:
        """The inputs of the rows that were fetched; see `take`."""
        flat = None if into is None else into.view(-1, *self.inputs.shape[1:])
        found = torch.index_select(self.inputs, 0, fetched.reshape(-1), out=flat)
        return found.view(*fetched.shape, *self.inputs.shape[1:])

    def between(self, first: int, last: int) -> Tensor:
        """The inputs of the rows from `first` up to, not including, `last`: here a view."""
        return self.inputs[first:last]

    def empty(self, *shape: int) -> Tensor:
        """An uninitialised tensor for inputs [*shape, *input's shape]."""
        return self.inputs.new_empty(*shape, *self.inputs.shape[1:])


@dataclass(frozen=True, eq=False)
class Examples:
    """The n examples of a part of a split: those that train, validate or test.

    source: holds the inputs; on the CPU over the memory of the task's arrays, unless inputs are preprocessed or
        converted
    rows: the examples' rows in the source [n] int64
    labels: classes [n] or numbers [n, k]; weights: [n] float64 of sum 1, or None where all count alike
    start: the first row, where rows follow one another, or None
    """

    source: Source
    rows: Tensor
    labels: Tensor
    weights: Tensor | None = None
    start: int | None = None

    @classmethod
    def of(cls, inputs: Tensor, labels: Tensor, weights: Tensor | None = None) -> Examples:
        """Examples with inputs [n, *shape] of their own."""
        return cls(Source(inputs), torch.arange(len(inputs), device=inputs.device), labels, weights, 0)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def inputs(self) -> Tensor:
        """The inputs [n, *shape]: a view of the source where rows follow one another, else a copy."""
        return self.between(0, len(self))

    def between(self, first: int, last: int) -> Tensor:
        """The inputs of the examples from `first` up to, not including, `last`; see `inputs`."""
        if self.start is None:
            return self.source.take(self.rows[first:last])
        return self.source.between(self.start + first, min(self.start + last, self.start + len(self)))

    def chunk(self, first: int, last: int) -> tuple[Tensor, Tensor]:
        """Inputs and labels of the examples from `first` up to, not including, `last`."""
        return self.between(first, last), self.labels[first:last]

    def take(self, index: Tensor) -> Tensor:
        """Inputs [E, B, *shape] of the examples `index` [E, B]."""
        return self.source.take(self.rows[index])

    def mean(self, values: Tensor) -> Tensor:
        """Means [E] float64 of values [E, n], weighted by the examples' weights."""
        values = values.double()
        return values.mean(-1) if self.weights is None else (values * self.weights).sum(-1)


class SideBySide:
    """The same part, such as training, of each of E slots' own splits. All have the same number n of examples.

    parts: the S different parts; owner: the index into `parts` of each slot's [E]
    """

    def __init__(self, each: Sequence[Examples]) -> None:
        """each: the part of every slot; RuntimeError where the parts' sizes differ."""
        self.parts = list(dict.fromkeys(each))
        sizes = {len(part) for part in self.parts}
        if len(sizes) != 1:
            raise RuntimeError(f"the parts of the splits of a pack must have one size, but have {sorted(sizes)}")
        self._each = each
        self._chunks: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}
        places = {part: place for place, part in enumerate(self.parts)}
        self.owner = torch.tensor([places[part] for part in each], device=self.parts[0].rows.device)

    def __len__(self) -> int:
        return len(self.parts[0])

    @cached_property
    def _rows(self) -> Tensor:
        """The rows of each slot's part [E, n]."""
        return self._stacked([part.rows for part in self.parts])

    @cached_property
    def _labels(self) -> Tensor:
        """The labels of each slot's part, [E, n] or [E, n, k]."""
        return self._stacked([part.labels for part in self.parts])

    @cached_property
    def _sources(self) -> dict[Source, Tensor]:
        """For each source, the slots [e] whose examples it holds."""
        found: dict[Source, list[int]] = {}
        for slot, part in enumerate(self._each):
            found.setdefault(part.source, []).append(slot)
        return {source: torch.tensor(slots, device=self.owner.device) for source, slots in found.items()}

    def _stacked(self, parts: Sequence[Tensor]) -> Tensor:
        """The parts' tensors by slot [E, ...]; a view where there is only one part."""
        if len(parts) == 1:
            return parts[0].unsqueeze(0).expand(len(self.owner), *parts[0].shape)
        return torch.stack(list(parts)).index_select(0, self.owner)

    def batches(self, orders: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs [E, B, *shape] and labels [E, B] or [E, B, k] of every step; the last batch may be smaller.

        orders: each slot's examples in the order of its epoch [E, m]
        The inputs of a step are valid until the next step is asked for.
        """
        rows, labels = self._rows_of(orders), self._labels_of(orders)
        whole = orders.shape[1] // size * size
        by_step = [_steps(part[:, :whole], size) for part in (rows, labels)]
        inputs = self._ahead(size)
        by_block, labels_by_block = (torch.split(part, len(inputs)) for part in by_step)
        fetched = (ahead if self._far else map)(self._fetch, by_block)
        for block, block_labels in zip(fetched, labels_by_block, strict=True):
            yield from zip(self._give(block, inputs[: len(block_labels)]), block_labels, strict=True)
        if whole < orders.shape[1]:
            yield self.take(orders[:, whole:]), labels[:, whole:].contiguous()

    def take(self, index: Tensor) -> Tensor:
        """Inputs [E, B, *shape] of each slot's examples `index` [E, B]."""
        rows = self._rows_of(index).unsqueeze(0)
        return self._give(self._fetch(rows), self._empty(*rows.shape))[0]

    def _rows_of(self, index: Tensor) -> Tensor:
        """The rows of each slot's examples `index` [E, B]."""
        start = self.parts[0].start if len(self.parts) == 1 else None
        if start is None:
            return self._rows.gather(1, index)
        return index + start if start else index

    def _labels_of(self, index: Tensor) -> Tensor:
        """The labels of each slot's examples `index` [E, B]."""
        wide = index.view(*index.shape, *(1 for _ in self._labels.shape[2:]))
        return self._labels.gather(1, wide.expand(*index.shape, *self._labels.shape[2:]))

    @property
    def _far(self) -> bool:
        return any(part.source.far for part in self.parts)

    def _fetch(self, rows: Tensor) -> list[Tensor]:
        """What each source fetches for rows [steps, E, B]; see `_give`."""
        if len(self._sources) == 1:
            return [self.parts[0].source.fetch(rows)]
        return [source.fetch(rows.index_select(1, slots)) for source, slots in self._sources.items()]

    def _give(self, fetched: list[Tensor], into: Tensor) -> Tensor:
        """Inputs [steps, E, B, *shape] of what was fetched, written to `into`."""
        if len(self._sources) == 1:
            return self.parts[0].source.give(fetched[0], into)
        for (source, slots), own in zip(self._sources.items(), fetched, strict=True):
            into.index_copy_(1, slots, source.give(own))
        return into

    def _ahead(self, size: int) -> Tensor:
        """An uninitialised tensor for the inputs of all steps that are gathered at once [steps, E, size, *shape].

        The same memory is used again and again, so that it stays in a core's cache.
        """
        step = self._empty(1, len(self.owner), size)
        return self._empty(max(1, AHEAD_BYTES // max(1, step.nbytes)), *step.shape[1:3])

    def _empty(self, *shape: int) -> Tensor:
        return self.parts[0].source.empty(*shape)

    def chunk(self, first: int, last: int) -> tuple[Tensor, Tensor]:
        """Inputs [E, c, *shape] and labels [E, c] of each slot's examples from `first` up to, not including, `last`."""
        if (first, last) in self._chunks:
            return self._chunks[first, last]
        each = zip(*(part.chunk(first, last) for part in self.parts), strict=True)
        inputs, labels = (self._stacked(parts) for parts in each)
        if inputs[0, 0].nbytes * len(self.owner) * len(self) <= KEPT_BYTES:
            self._chunks[first, last] = inputs, labels
        return inputs, labels

    def mean(self, values: Tensor) -> Tensor:
        """Means [E] float64 of values [E, n], weighted by each slot's weights."""
        if all(part.weights is None for part in self.parts):
            return values.double().mean(-1)
        return torch.cat([part.mean(row.unsqueeze(0)) for part, row in zip(self._each, values, strict=True)])


def _steps(part: Tensor, size: int) -> Tensor:
    """Each slot's examples [E, n, ...] by step [n / size, E, size, ...]; n is a multiple of `size`."""
    return part.reshape(len(part), -1, size, *part.shape[2:]).transpose(0, 1).contiguous()


def side_by_side(each: Sequence[Examples]) -> Examples | SideBySide:
    """The same part of E slots' splits; where all slots have the same split, the one part that they share."""
    return each[0] if all(part is each[0] for part in each) else SideBySide(each)


class Batch(NamedTuple):
    """The examples of a step of E slots.

    inputs: [E, B, *shape]; labels: [E, B] or [E, B, k]
    masks: the masks [E, B, ...] of each dropout layer that drops anything, by the layer's name
    weights: the factor of each example's loss in the gradient [E, B], or None where it is 1
    focus: the power f [E, 1] in (1 - p)^f, by which an example's gradient is multiplied, where p is the probability
        that the net gives to the example's class; or None where f is 0
    """

    inputs: Tensor
    labels: Tensor
    masks: Mapping[str, Tensor]
    weights: Tensor | None = None
    focus: Tensor | None = None

    def emphasized(self, losses: Tensor) -> Tensor:
        """Losses [E, B] times the weights and the focus factors, which themselves have no gradient."""
        found = losses if self.weights is None else losses * self.weights
        if self.focus is None:
            return found
        # only for cross-entropy, where exp(-loss) is the probability of the example's own class
        doubt = (1 - (-losses.detach()).exp()).clamp(min=LEAST_DOUBT)
        return found * (self.focus * doubt.log()).exp()
