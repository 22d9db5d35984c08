"""Two classes of points in the plane, each class a mixture of ten Gaussians, for which the best error is known.

Ten means of class 0 are drawn from N((1, 0), I), ten of class 1 from N((0, 1), I); a point of a class is a
uniformly chosen mean of that class plus N(0, I/5). The test split is a grid weighted by the mixture's density,
each grid point once with either label, so that a weighted error is the sum over the grid of
density * P(the other class), without the noise of a test sample. Other splits are new training and validation samples
of the same mixture; the means and the grid stay. With the book's data the training points stay, too.
Source: Hastie, Tibshirani, Friedman, "The Elements of Statistical Learning", 2nd ed., 2.3.3 and figure 2.5.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from slalom.errors import InputError, quoted
from slalom.wire.kinds import MOST_SEEDS, Integer, Text
from slalom.wire.seeds import derive
from slalom_worker.tasks.base import TaskKind
from slalom_worker.tasks.data import Data, Split
from slalom_worker.tasks.parts import Part, Parts
from slalom_worker.tasks.splits import random_words
from slalom_worker.tasks.training_options import TRAINING_OPTIONS, TrainingOptions

Floats = NDArray[np.float64]
Means = tuple[Floats, Floats]
"""The means [k, 2] of class 0 and of class 1."""

CENTRES = ((1.0, 0.0), (0.0, 1.0))
CLASSES = 2
MEANS_PER_CLASS = 10
DEVIATION = 0.2**0.5
VALIDATION_POINTS = 1000
GRID = (69, 99)
"""Grid points along x1 and x2, as in the book's data."""
GRID_MARGIN = 4 * DEVIATION
"""How far the grid reaches beyond the means: less than 1e-4 of the mixture lies outside."""
FINE_MARGIN, FINE_STEPS = 6 * DEVIATION, 1000
"""Grid of the "exact" integral, which is the same to 1e-5 with 200 steps."""
WEIGHT_DECIMALS = 12
"""Decimals that weights are rounded to, since the last bits of exp and sum, and so the digest, depend on the processor.
"""


class Grid(NamedTuple):
    """A grid of points [m, 2], the probability [m] of class 1 at each, and the density [m] up to a factor."""

    points: Floats
    probability: Floats
    density: Floats


@dataclass(frozen=True)
class Mixture(TrainingOptions):
    """Inputs [2], as drawn.

    seed: the seed of the means, the training points and the validation points
    n: number of training points, half of each class (class 0 takes an odd one); copies by `replicate` do not count
    data: a folder with the book's mixture_xy.csv, mixture_means.csv and mixture_grid.csv, from which training
        points, means and test grid then come; only the validation points depend on the seed
    further options: TrainingOptions
    """

    seed: int = 0
    n: int = 200
    data: str | None = None

    def load(self) -> Data:
        """The data. Facts: "bayes_error", the least error on the test grid, and "bayes_error_exact", that in the plane.

        Raises InputError where the book's files are missing or wrong.
        """
        if self.data is None:
            means = self._means()
            train, grid = _sample(means, self.n, self._stream("train")), _density(means, GRID, GRID_MARGIN)
        else:
            means, train, grid = self._read(Path(self.data))
        return Data(
            train=self.altered(train, CLASSES),
            validation=_sample(means, VALIDATION_POINTS, self._stream("validation")),
            test=_weighted(grid),
            classes=CLASSES,
            facts={
                "bayes_error": _bayes_error(grid),
                "bayes_error_exact": _bayes_error(_density(means, (FINE_STEPS, FINE_STEPS), FINE_MARGIN)),
            },
            pool=_centres(means),
        )

    def draw(self, pool: Split, own: Parts, seed: int) -> Parts:
        """See Draws."""
        validation = Part.whole(_redrawn(pool, VALIDATION_POINTS, derive(seed, "mixture", "validation")))
        if self.data is not None:
            return own._replace(validation=validation)
        train = Part.whole(_redrawn(pool, self.n, derive(seed, "mixture", "train")))
        return Parts(self.altered_part(train, CLASSES, seed), validation, own.test)

    def _stream(self, name: str) -> np.random.Generator:
        # a stream for each purpose, so that n changes neither the means nor the validation points
        return np.random.Generator(np.random.PCG64(derive("mixture", self.seed, name)))

    def _means(self) -> Means:
        first, second = self._stream("means").standard_normal((2, MEANS_PER_CLASS, 2)) + np.array(CENTRES)[:, None]
        return first, second

    def _read(self, folder: Path) -> tuple[Means, Split, Grid]:
        points = _table(folder / "mixture_xy.csv", ("x1", "x2", "y"))
        means = _table(folder / "mixture_means.csv", ("class", "m1", "m2"))
        grid = _table(folder / "mixture_grid.csv", ("x1", "x2", "prob_class1", "marginal"))
        _within(folder / "mixture_xy.csv", "y must be 0 or 1", points[:, 2], np.isin(points[:, 2], (0, 1)))
        _within(folder / "mixture_means.csv", "class must be 0 or 1", means[:, 0], np.isin(means[:, 0], (0, 1)))
        chance, density = grid[:, 2], grid[:, 3]
        _within(folder / "mixture_grid.csv", "prob_class1 must be in [0, 1]", chance, (chance >= 0) & (chance <= 1))
        _within(folder / "mixture_grid.csv", "marginal must not be negative", density, density >= 0)
        if len(points) != self.n:
            raise InputError(
                f"n must be the number of points in {folder / 'mixture_xy.csv'}, {len(points)}, but got {self.n}"
            )
        by_class = means[means[:, 0] == 0, 1:], means[means[:, 0] == 1, 1:]
        if not all(map(len, by_class)) or not density.sum() > 0:
            raise InputError(f"{folder}: must hold means of both classes and a marginal above 0, but got none")
        train = Split(points[:, :2].astype(np.float32), points[:, 2].astype(np.int64))
        return by_class, train, Grid(grid[:, :2], chance, density)


def _sample(means: Means, count: int, stream: np.random.Generator) -> Split:
    """`count` points of the mixture, class 0 first."""
    sizes = (count - count // 2, count // 2)
    chosen = [own[stream.integers(len(own), size=size)] for own, size in zip(means, sizes, strict=True)]
    points = np.concatenate(chosen) + DEVIATION * stream.standard_normal((count, 2))
    return Split(points.astype(np.float32), np.repeat(np.arange(2, dtype=np.int64), sizes))


def _centres(means: Means) -> Split:
    """The means, each with its class, as the pool around which other splits' points are drawn."""
    labels = np.repeat(np.arange(2, dtype=np.int64), [len(own) for own in means])
    return Split(np.concatenate(means).astype(np.float32), labels)


def _redrawn(centres: Split, count: int, seed: int) -> Split:
    """`count` points around the centres, class 0 first, distributed as `_sample`'s, but from raw random words alone."""
    chosen, *normal = random_words(3 * count, seed).reshape(3, count)
    labels = np.repeat(np.arange(2, dtype=np.int64), (count - count // 2, count // 2))
    points = np.empty((count, 2))
    for label in range(2):
        own, rows = centres.inputs[centres.labels == label], labels == label
        points[rows] = own[(chosen[rows] % np.uint64(len(own))).astype(np.int64)]
    # not by numpy's logarithms, which round differently from one processor to the next
    quantile = NormalDist(0.0, DEVIATION).inv_cdf
    for axis, words in enumerate(normal):
        points[:, axis] += [quantile(((word >> 12) + 0.5) / 2**52) for word in words.tolist()]
    return Split(points.astype(np.float32), labels)


def _density(means: Means, steps: tuple[int, int], margin: float) -> Grid:
    """The mixture of equally likely classes, on steps[0] x steps[1] points that reach `margin` beyond all means."""
    every = np.concatenate(means)
    low, high = every.min(axis=0) - margin, every.max(axis=0) + margin
    axes = [np.linspace(low[axis], high[axis], steps[axis]) for axis in range(2)]
    by_class = []
    for own in means:
        # a Gaussian with covariance I/5 is a product over the axes, so its values on a grid are an outer product
        along = [np.exp(-((axes[i][:, None] - own[:, i]) ** 2) / (2 * DEVIATION**2)) for i in range(2)]
        by_class.append((along[0] @ along[1].T).ravel() / len(own))
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    density = by_class[0] + by_class[1]
    return Grid(points, by_class[1] / density, density)


def _weighted(grid: Grid) -> Split:
    """The grid twice: with label 0 weighted by density * P(0), then with label 1 weighted by density * P(1)."""
    weights = np.concatenate([grid.density * (1 - grid.probability), grid.density * grid.probability])
    points = np.concatenate([grid.points, grid.points]).astype(np.float32)
    labels = np.repeat(np.arange(2, dtype=np.int64), len(grid.points))
    return Split(points, labels, np.round(weights / weights.sum(), WEIGHT_DECIMALS))


def _bayes_error(grid: Grid) -> float:
    """The weight of the less likely class over the grid."""
    smaller = np.minimum(grid.probability, 1 - grid.probability)
    return float((grid.density * smaller).sum() / grid.density.sum())


def _table(path: Path, columns: tuple[str, ...]) -> Floats:
    """The numbers [rows, len(columns)] in a CSV file; InputError for other columns, or a number that is not finite."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as exc:
        raise InputError(f"{path}: must be a CSV file with the columns {', '.join(columns)}, but got: {exc}") from exc
    if tuple(header) != columns:
        raise InputError(f"{path}: must have the columns {', '.join(columns)}, but got {', '.join(header)}")
    values = [_numbers(path, line, row, len(columns)) for line, row in enumerate(rows, start=2)]
    return np.array(values, dtype=np.float64).reshape(-1, len(columns))


def _numbers(path: Path, line: int, row: list[str], count: int) -> list[float]:
    try:
        numbers = list(map(float, row))
    except ValueError:
        numbers = []
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise InputError(f"{path}:{line}: must be {count} finite numbers, but got {quoted(','.join(row))}")
    return numbers


def _within(path: Path, rule: str, values: Floats, holds: NDArray[np.bool_]) -> None:
    if not holds.all():
        raise InputError(f"{path}: {rule}, but got {values[~holds][0]:g}")


MIXTURE = TaskKind(
    Mixture,
    {
        "seed": Integer(0, low=0, high=MOST_SEEDS),
        "n": Integer(200, low=2, high=1_000_000),
        "data": Text(),
        **TRAINING_OPTIONS,
    },
    folders=("data",),
)
