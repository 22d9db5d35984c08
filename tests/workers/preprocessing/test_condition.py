"""What preprocessing is for: the Hessian's condition number at the start, which docs/decisions.md lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch.autograd.functional import hessian

from slalom_worker.preprocessing import PREPROCESSING
from slalom_worker.preprocessing.principal import principal
from slalom_worker.tasks.digits import Digits
from slalom_worker.tasks.mixture import Mixture

if TYPE_CHECKING:
    from slalom_worker.tasks import Data, Task

VANISHED = 1e-5
"""Of the largest singular value of the inputs: what is below has come of rounding to float32."""


def condition(inputs: np.ndarray, data: Data) -> float:
    """Of the exact Hessian of a linear net's mean cross-entropy, weights and biases 0, without its null space.

    That holds a logit more for all classes, and the weights of what does not vary. Odd labels are told from even ones:
    where all classes are as likely, as with these weights, their number does not matter.
    """
    extended = torch.tensor(np.concatenate([inputs.astype(np.float64), np.ones((len(inputs), 1))], axis=1))
    labels, start = torch.tensor(data.train.labels % 2), torch.zeros(extended.shape[1], 2, dtype=torch.float64)

    def loss(weights: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(extended @ weights, labels)

    square = hessian(loss, start, vectorize=True).reshape(start.numel(), start.numel())
    curvatures = torch.linalg.eigvalsh(square).flip(0)
    rank = int(torch.linalg.matrix_rank(extended, rtol=VANISHED))
    return float(curvatures[0] / curvatures[rank - 1])


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (Digits(), {"none": 2.741e6, "center": 2.396e5, "standardize": 152.2, "pca_whiten": 1, "zca_whiten": 1}),
        (Mixture(), {"none": 5.055, "center": 1.660, "standardize": 1.660, "pca_whiten": 1, "zca_whiten": 1}),
    ],
    ids=["digits", "mixture"],
)
def test_condition_number_of_the_hessian(task: Task, expected: dict[str, float]) -> None:
    data = task.load()
    inputs = data.train.inputs
    found = {name: condition(method.fit(inputs).apply(inputs), data) for name, method in PREPROCESSING.items()}
    assert found == pytest.approx(expected, rel=1e-3)


def test_dropping_components_is_not_what_does_it() -> None:
    # without those that whitening drops, the Hessian of digits is still badly conditioned
    data = Digits().load()
    mean, _, axes = principal(data.train.inputs.astype(np.float64))
    assert condition(data.train.inputs @ axes, data) == pytest.approx(1.290e5, rel=1e-3)
    assert condition((data.train.inputs - mean) @ axes, data) == pytest.approx(1.128e4, rel=1e-3)
