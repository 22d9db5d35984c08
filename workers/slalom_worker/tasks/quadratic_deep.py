"""The stochastic quadratic of DeepOBS: 100 dimensions, ninety eigenvalues below 1 and ten between 30 and 60.

An example is a centre x of 100 draws from N(0, 0.6^2). Its loss at the weights w is 1/2 (w - x)^T H (w - x) with
H = R^T diag(eigenvalues) R for a fixed random rotation R, and w starts at all ones, where the mean test loss is
353.4468. It is posed as regression for a model that is the vector w: with A = diag(sqrt(eigenvalues)) R the model
predicts A w for every example (whose input is 1), and the example's targets are A x, so half the squared error is the
loss. As published, an epoch is seven batches of 128 of the 1,000 training centres (`batch_size: 128, drop_last: true`)
and the mean test loss is over the seven whole batches of 1,000 test centres. Validation, which the source takes from
the training centres, is 1,000 centres of its own here.
Sources: F. Schneider, L. Balles, P. Hennig 2019, "DeepOBS: a deep learning optimizer benchmark suite", quadratic_deep
and its code; the rotation, P. Diaconis and M. Shahshahani 1987, "The subgroup algorithm for generating uniform random
variables".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from slalom_worker.tasks.base import TaskKind
from slalom_worker.tasks.data import Data, Split

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from slalom_worker.tasks.parts import Splits

    Floats = NDArray[np.float64]

DIMENSIONS = 100
SMALL, LARGE = (0.0, 1.0, 90), (30.0, 60.0, 10)
"""Least, most and number of the small and of the large eigenvalues, which are uniform between least and most."""
DEVIATION = 0.6
CENTRES, TESTED = 1000, 7 * 128
DESIGN_SEED = TRAIN_SEED = 42
TEST_SEED, VALIDATION_SEED = 43, 44


@dataclass(frozen=True)
class QuadraticDeep:
    """Inputs [1], all of them 1; 100 targets. The task has its own model, a vector of 100 weights, and one split."""

    splits: ClassVar[Splits] = "one"

    def load(self) -> Data:
        """The data, with the fact "least_test_loss", the least that any weights can have."""
        test = _centres(TEST_SEED)[:TESTED]
        matrix = design().astype(np.float64)
        spread = (test - test.mean(0)) @ matrix.T
        return Data(
            _split(_centres(TRAIN_SEED), matrix),
            _split(_centres(VALIDATION_SEED), matrix),
            _split(test, matrix),
            classes=None,
            facts={"least_test_loss": float(np.square(spread).sum(1).mean() / 2)},
        )

    def model(self) -> nn.Module:
        """The vector w as a net."""
        from slalom_worker.models.weight_vector import WeightVector

        return WeightVector(design())


@cache
def design() -> NDArray[np.float32]:
    """The matrix A [100, 100], drawn by numpy's legacy generator, whose stream is frozen (NEP 19).

    Float32 hides the last bits, in which products and cosines differ between processors.
    """
    random = np.random.RandomState(DESIGN_SEED)
    eigenvalues = np.concatenate([random.uniform(*SMALL), random.uniform(*LARGE)])
    matrix: NDArray[np.float32] = (np.sqrt(eigenvalues)[:, None] * _rotation(random)).astype(np.float32)
    matrix.setflags(write=False)
    return matrix


def _rotation(random: np.random.RandomState) -> Floats:
    """A uniformly random rotation [100, 100]: a rotation of the plane, then a reflection for each further dimension."""
    angle = 2 * np.pi * random.uniform()
    found = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    for dimension in range(2, DIMENSIONS):
        drawn = random.normal(size=dimension + 1)
        mirror = -drawn / np.linalg.norm(drawn)
        mirror[0] += 1  # the reflection maps the drawn vector to the first axis
        mirror /= np.linalg.norm(mirror)
        wider = np.eye(dimension + 1)
        wider[1:, 1:] = found
        found = wider - 2 * np.outer(mirror, mirror @ wider)
    return -found


def _centres(seed: int) -> Floats:
    return np.random.RandomState(seed).normal(0.0, DEVIATION, (CENTRES, DIMENSIONS))


def _split(centres: Floats, matrix: Floats) -> Split:
    return Split(np.ones((len(centres), 1), np.float32), (centres @ matrix.T).astype(np.float32))


QUADRATIC_DEEP = TaskKind(QuadraticDeep)
