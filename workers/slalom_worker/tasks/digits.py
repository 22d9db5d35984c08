"""The 1,797 real handwritten digits that come with scikit-learn: 8 x 8 pixels, 10 classes.

The task's own split is fixed: 60 % to train on, 20 % to validate, 20 % to test, each class alike. Other splits draw
all three parts anew, with the same shares.
Source: E. Alpaydin and C. Kaynak 1998, "Optical recognition of handwritten digits", UCI repository (its test set).
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slalom.errors import InputError
from slalom.wire.kinds import Integers, Number
from slalom.wire.seeds import derive
from slalom_worker.tasks.base import TaskKind
from slalom_worker.tasks.data import Data, Split
from slalom_worker.tasks.parts import Part, Parts
from slalom_worker.tasks.splits import stratified, thinned
from slalom_worker.tasks.training_options import TRAINING_OPTIONS, TrainingOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CLASSES = 10
PICTURE = (1, 8, 8)
SHARES = (60, 20, 20)
SPLIT_SEED = 0
RARE_SEED = 1


def images() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Pixels [1797, 64], grey levels from 0 to 16, and digits [1797]: what scikit-learn's load_digits gives.

    They are read from the package's file, since importing the package takes longer than all else that `slalom show`
    does. Raises InputError where scikit-learn is not installed, or has the file elsewhere.
    """
    package = find_spec("sklearn")
    places = package.submodule_search_locations if package is not None else None
    file = Path(places[0] if places else "sklearn") / "datasets" / "data" / "digits.csv.gz"
    if not file.is_file():
        raise InputError(f"digits: scikit-learn must be installed with its data, but there is no file {file}")
    with gzip.open(file, "rt", encoding="ascii") as lines:
        rows = np.loadtxt(lines, delimiter=",")
    return rows[:, :-1], rows[:, -1].astype(np.int64)


@dataclass(frozen=True)
class Digits(TrainingOptions):
    """Inputs [64] in [0, 1]: pixel rows one after the other, grey levels from 0 to 16 divided by 16.

    rare: classes that keep only `rare_fraction` of their training examples; validation and test stay whole
    further options: TrainingOptions, applied after `rare`
    """

    rare: Sequence[int] = ()
    rare_fraction: float = 0.1

    def __post_init__(self) -> None:
        wrong = [label for label in self.rare if label not in range(CLASSES)]
        if wrong:
            raise InputError(f"rare must list digits in [0, {CLASSES}), but got {wrong[0]}")

    def load(self) -> Data:
        """1,078 training, 360 validation, 359 test examples, fewer to train on where classes are rare."""
        pixels, labels = images()
        inputs = (pixels / 16).astype(np.float32)
        rows = stratified(labels, SHARES, SPLIT_SEED)
        order = np.concatenate(rows)  # so that each part is a slice of the pool
        pool = Split(inputs[order], labels[order])
        train, validation, test = np.split(np.arange(len(order)), np.cumsum([len(part) for part in rows])[:-1])
        return Data(
            self._train(pool, train).split(),
            Part.of(pool, validation).split(),
            Part.of(pool, test).split(),
            classes=CLASSES,
            pool=pool,
            picture=PICTURE,
        )

    def draw(self, pool: Split, own: Parts, seed: int) -> Parts:  # noqa: ARG002 (no part stays)
        """See Draws."""
        train, validation, test = stratified(pool.labels, SHARES, seed)
        return Parts(self._train(pool, train, seed), Part.of(pool, validation), Part.of(pool, test))

    def _train(self, pool: Split, rows: NDArray[np.int64], seed: int | None = None) -> Part:
        """The training part of these rows, changed by the options; seed: of the split, or None for the task's own."""
        kept = thinned(
            pool.labels[rows], self.rare, self.rare_fraction, RARE_SEED if seed is None else derive(seed, "rare")
        )
        return self.altered_part(Part.of(pool, rows[kept]), CLASSES, seed)


DIGITS = TaskKind(
    Digits,
    {
        "rare": Integers((), low=0, high=9),
        "rare_fraction": Number(0.1, low=0.0, high=1.0, open_low=True),
        **TRAINING_OPTIONS,
    },
)
