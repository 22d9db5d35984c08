"""The base of tasks of published pictures: training and validation examples are drawn from one pool, test is fixed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from slalom.errors import InputError
from slalom.wire.kinds import Integer, Kinds, Text
from slalom.wire.seeds import derive
from slalom_worker.tasks.data import Data, Split
from slalom_worker.tasks.parts import Part, Parts
from slalom_worker.tasks.splits import divided
from slalom_worker.tasks.training_options import TRAINING_OPTIONS, TrainingOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slalom_worker.tasks.published import Published

SPLIT_SEED, EXAMPLES_SEED = 0, 1


@dataclass(frozen=True)
class PublishedPictures(TrainingOptions, ABC):
    """Pictures that the authors published as training and test examples; some of the training examples validate here.

    Other splits than the task's own draw training and validation examples anew; the test part stays.

    data: a folder with the published files
    validation_examples: how many of the authors' training examples validate, the others train; None for the usual share
    examples: how many training examples are kept, the same share of every class, or None for all
    package, cache, address: without `data`, where the files are looked for, in this order, instead of the data set's
        own places
    further options: TrainingOptions
    """

    published: ClassVar[Published]
    classes: ClassVar[int] = 10
    picture: ClassVar[tuple[int, int, int]]
    training: ClassVar[float]
    """The share of the authors' training examples that train, where `validation_examples` is None."""

    data: str | None = None
    validation_examples: int | None = None
    examples: int | None = None
    package: Path | None = None
    cache: Path | None = None
    address: str | None = None

    @abstractmethod
    def read(self, folder: Path, part: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Inputs [n, ...] and labels [n] of the part "train" or "test"."""

    def load(self) -> Data:
        """The pool of the authors' training examples, divided, and their test examples."""
        folder = (
            Path(self.data) if self.data is not None else self.published.folder(self.package, self.cache, self.address)
        )
        inputs, labels = self.read(folder, "train")
        train, validation = divided(labels, self._count(len(labels)), SPLIT_SEED)
        order, count = np.concatenate([train, validation]), len(train)  # so that each part is a slice of the pool
        pool = Split(inputs[order], labels[order])
        return Data(
            train=self.altered(self._few(Part.of(pool, np.arange(count)), EXAMPLES_SEED).split(), self.classes),
            validation=Split(pool.inputs[count:], pool.labels[count:]),
            test=Split(*self.read(folder, "test")),
            classes=self.classes,
            pool=pool,
            picture=self.picture,
        )

    def draw(self, pool: Split, own: Parts, seed: int) -> Parts:
        """See Draws."""
        train, validation = divided(pool.labels, len(pool.labels) - len(own.validation.rows), seed)
        few = self._few(Part.of(pool, train), derive(seed, "examples"))
        return Parts(self.altered_part(few, self.classes, seed), Part.of(pool, validation), own.test)

    def _count(self, published: int) -> int:
        """How many of the published training examples do not validate; InputError where none would be left."""
        if self.validation_examples is None:
            return round(self.training * published)
        if self.validation_examples >= published:
            raise InputError(
                f"{self.published.name}: validation_examples must be below {published}, as many as were published, "
                f"got {self.validation_examples}"
            )
        return published - self.validation_examples

    def content(self, path: Path) -> bytes:
        """The unpacked content of a published file; see Published."""
        return self.published.content(path, own=self.data is not None)

    def _few(self, train: Part, seed: int) -> Part:
        """As many of a training part's examples as the option `examples` says, drawn by a seed."""
        if self.examples is None:
            return train
        if self.examples > len(train.labels):
            raise InputError(
                f"{self.published.name}: examples must be at most {len(train.labels)}, as many as do not validate, "
                f"got {self.examples}"
            )
        rows, _ = divided(train.labels, self.examples, seed)
        return train._replace(rows=train.rows[rows], labels=train.labels[rows])


def options(published: int) -> Kinds:
    """The options of a task with `published` training examples."""
    some = Integer(None, low=100, high=published - 100)
    return {"data": Text(), "validation_examples": some, "examples": some, **TRAINING_OPTIONS}
