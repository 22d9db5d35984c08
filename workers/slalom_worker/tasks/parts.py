"""Other splits of a task than its own: which examples train, validate and test, as rows of arrays that lie there once.

What is drawn comes of the task's data and a seed alone, the same on every machine.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np

from slalom.errors import InputError
from slalom_worker.tasks.data import Data, Split, normalised
from slalom_worker.tasks.splits import divided

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slalom_worker.tasks.base import Task

Splits = Literal["drawn", "loaded", "one"]


class Part(NamedTuple):
    """The n examples that train, validate or test in a split.

    inputs: [N, ...], as in Split, of which the part's inputs are rows
    rows: [n] int64
    labels, weights: the part's own, as in Split
    """

    inputs: NDArray[Any]
    rows: NDArray[np.int64]
    labels: NDArray[np.int64] | NDArray[np.float32]
    weights: NDArray[np.float64] | None = None

    @classmethod
    def whole(cls, split: Split) -> Part:
        """All examples of a split."""
        return cls(split.inputs, np.arange(len(split.labels)), *split[1:])

    @classmethod
    def of(cls, pool: Split, rows: NDArray[np.int64]) -> Part:
        """Rows [n] of a pool, whose weights are scaled to the sum 1."""
        weights = None if pool.weights is None else normalised(pool.weights[rows])
        return cls(pool.inputs, rows, pool.labels[rows], weights)

    @property
    def start(self) -> int | None:
        """The first row where the rows follow one another, else None."""
        follow = bool((np.diff(self.rows) == 1).all())
        return int(self.rows[0]) if follow else None

    def split(self) -> Split:
        """The examples as arrays of their own; the inputs are a view where the rows follow one another."""
        start = self.start
        rows = self.rows if start is None else slice(start, start + len(self.rows))
        labels: Any = self.labels
        return Split(self.inputs[rows], labels, self.weights)


class Parts(NamedTuple):
    """A split of a task."""

    train: Part
    validation: Part
    test: Part


def own_parts(data: Data) -> Parts:
    """The task's own split, as rows of the data's pool where its inputs lie in there."""
    return Parts(*(_own_part(data, split) for split in (data.train, data.validation, data.test)))


def _own_part(data: Data, split: Split) -> Part:
    place, whole = data.place(split.inputs), Part.whole(split)
    if place is None or data.pool is None:
        return whole
    return whole._replace(inputs=data.pool.inputs, rows=np.arange(place.start, place.stop))


@runtime_checkable
class Draws(Protocol):
    """A bundled task with a way of its own to draw a split."""

    def draw(self, pool: Split, own: Parts, seed: int) -> Parts:
        """The split of a seed, of the data's pool; `own` is the task's own split, of which parts may stay."""
        ...


def draw(task: Task | None, pool: Split, own: Parts, seed: int) -> Parts:
    """The split of a seed, of a task whose splits are "drawn"; its parts have the sizes of the task's own.

    pool: of the task's data, see Data.pooled
    own: the task's own split; a part that stays is the same object
    Raises InputError where all weights of a part are 0, or where the task's splits are not drawn.
    """
    if splits_of(task) != "drawn":
        raise InputError(f"{type(task).__name__} has no splits to be drawn; set resample: {{split: fixed}}")
    return task.draw(pool, own, seed) if isinstance(task, Draws) else drawn(pool, own, seed)


def drawn(pool: Split, own: Parts, seed: int) -> Parts:
    """Training and validation examples drawn anew from the pool, every class divided alike; the test part stays."""
    count = len(pool.labels)
    classes = pool.labels if pool.labels.ndim == 1 else np.zeros(count)
    train, validation = divided(classes, count - len(own.validation.rows), seed)
    return Parts(Part.of(pool, train), Part.of(pool, validation), own.test)


def splits_of(task: object) -> Splits:
    """How a task comes to other splits than its own.

    They are "drawn" from its examples, the task has them "loaded" one by one, where its `load` takes a parameter
    `split`, or it has "one" alone. A task's class says so in its attribute `splits`; without one they are drawn.
    """
    found: Splits = getattr(task, "splits", "drawn")
    return found


def takes_split(load: object) -> bool:
    """Whether a function has a parameter `split`."""
    try:
        return callable(load) and "split" in inspect.signature(load).parameters
    except (TypeError, ValueError):  # of a function that Python cannot look into
        return False


def load_split(task: Task, split: int | None) -> Data:
    """The data of a split, by its number, of a task whose splits are "loaded"; the task's own is split 0.

    Of any other task its data; `split` is then None.
    """
    if splits_of(task) != "loaded":
        return task.load()
    loads: Any = task
    data: Data = loads.load(split=split or 0)
    return data
