"""Draws other splits than a task's own: which examples train, validate and test, as rows of shared arrays.

A drawn split depends on the task's data and a seed alone, and is the same on every machine.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np

from slalom.errors import InputError
from slalom.wire.seeds import derive
from slalom_worker.tasks.data import Data, Split, normalised
from slalom_worker.tasks.splits import divided

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slalom_worker.tasks.base import Task

Splits = Literal["drawn", "loaded", "one"]


class Part(NamedTuple):
    """The n examples that train, validate or test in a split.

    inputs: [N, ...], as in Split; the part's own inputs are some of its rows
    rows: the part's rows of `inputs`, [n] int64
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
        """The rows [n] of a pool, with weights scaled to the sum 1; InputError where all of the weights are 0."""
        weights = None if pool.weights is None else normalised(pool.weights[rows])
        return cls(pool.inputs, rows, pool.labels[rows], weights)

    @property
    def start(self) -> int | None:
        """The first row where the rows are consecutive, else None."""
        follow = bool((np.diff(self.rows) == 1).all())
        return int(self.rows[0]) if follow else None

    def split(self) -> Split:
        """The examples as a Split; its inputs are a view where the rows are consecutive."""
        start = self.start
        rows = self.rows if start is None else slice(start, start + len(self.rows))
        labels: Any = self.labels
        return Split(self.inputs[rows], labels, self.weights)


class Parts(NamedTuple):
    """The three parts of a task's split."""

    train: Part
    validation: Part
    test: Part


def own_parts(data: Data) -> Parts:
    """The task's own split, as rows of the data's pool for parts whose inputs lie in the pool."""
    return Parts(*(_own_part(data, split) for split in (data.train, data.validation, data.test)))


def _own_part(data: Data, split: Split) -> Part:
    place, whole = data.place(split.inputs), Part.whole(split)
    if place is None or data.pool is None:
        return whole
    return whole._replace(inputs=data.pool.inputs, rows=np.arange(place.start, place.stop))


@runtime_checkable
class Draws(Protocol):
    """A bundled task that draws splits in its own way."""

    def draw(self, pool: Split, own: Parts, seed: int) -> Parts:
        """The split of a seed, drawn from the data's pool; `own` is the task's own split, of which parts may stay."""
        ...


def draw(task: Task | None, pool: Split, own: Parts, seed: int) -> Parts:
    """Draw the split of a seed, for a task whose splits are "drawn"; its parts have the sizes of the task's own.

    pool: the pool of the task's data, see Data.pooled
    own: the task's own split; a part that stays is the same object
    Raises InputError where all weights of a part are 0, the pool holds too few examples, or the task's splits are not
    drawn.
    """
    if splits_of(task) != "drawn":
        raise InputError(f"{type(task).__name__} has no splits to be drawn; set resample: {{split: fixed}}")
    return task.draw(pool, own, seed) if isinstance(task, Draws) else drawn(pool, own, seed)


def drawn(pool: Split, own: Parts, seed: int) -> Parts:
    """Training and validation examples drawn anew from the pool, every class divided alike; the test part stays.

    Test examples that lie in the pool are not drawn. Raises InputError where the pool holds too few examples.
    """
    rows = np.arange(len(pool.labels))
    if own.test.inputs is pool.inputs:
        rows = np.setdiff1d(rows, own.test.rows)
    training, validating = len(own.train.rows), len(own.validation.rows)
    if training + validating > len(rows):
        raise InputError(
            f"pool must hold as many examples as train and validation, {training} + {validating}, beside those of "
            f"test, but holds {len(rows)}; give Data a larger pool, or set resample: {{split: fixed}}"
        )
    classes = pool.labels[rows] if pool.labels.ndim == 1 else np.zeros(len(rows))
    rest, validation = divided(classes, len(rows) - validating, seed)
    train, _ = divided(classes[rest], training, derive(seed, "examples"))
    return Parts(Part.of(pool, rows[rest[train]]), Part.of(pool, rows[validation]), own.test)


def splits_of(task: object) -> Splits:
    """How a task gets other splits than its own: "drawn", "loaded" or "one".

    "drawn" from the task's examples; "loaded" one by one, where `load` takes a parameter `split`; or only "one" split.
    The task's class says which in its attribute `splits`; without that attribute splits are drawn.
    """
    found: Splits = getattr(task, "splits", "drawn")
    return found


def takes_split(load: object) -> bool:
    """Whether a function has a parameter `split`."""
    try:
        return callable(load) and "split" in inspect.signature(load).parameters
    except (TypeError, ValueError):  # a function without a signature that Python can read
        return False


def load_split(task: Task, split: int | None) -> Data:
    """Load the data of a split by its number, for a task whose splits are "loaded"; None is split 0, the task's own.

    Any other task just loads its data; `split` is then None.
    """
    if splits_of(task) != "loaded":
        return task.load()
    loads: Any = task
    data: Data = loads.load(split=split or 0)
    return data
