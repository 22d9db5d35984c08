"""What preprocessing is: an affine map of the inputs, fitted to the training inputs and applied to all splits.

Like the optimizers, the files here load without torch. Linear algebra is torch's, whose kernels are pinned
(slalom_worker/environment.py): numpy's OpenBLAS chooses its own by the processor when numpy is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

ROWS = 4096
"""Inputs that are mapped at once: a float64 copy of a whole data set would take twice the data set's memory."""


class Fitted(NamedTuple):
    """A fitted map: flattened inputs x [n, d] become (x - shift) * factor, or (x - shift) @ factor.

    shift: [d] float64
    factor: [d] or [d, d] float64
    """

    shift: NDArray[np.float64]
    factor: NDArray[np.float64]

    def apply(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mapped inputs [n, *shape]; the map is computed in float64."""
        flat = inputs.reshape(len(inputs), -1)
        mapped = np.empty_like(flat, np.float32)
        with one_thread():
            for start in range(0, len(flat), ROWS):
                rows = flat[start : start + ROWS] - self.shift
                mapped[start : start + ROWS] = (
                    rows * self.factor if self.factor.ndim == 1 else product(rows, self.factor)
                )
        return mapped.reshape(inputs.shape)

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """The arrays by name, to be stored with a net's weights; see `of`."""
        return {"shift": self.shift, "factor": self.factor}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.float64]]) -> Fitted:
        """The map with these `arrays`; further arrays are ignored."""
        return cls(arrays["shift"], arrays["factor"])


@dataclass(frozen=True)
class Preprocessing:
    """One way of preprocessing.

    find: gives the map from flattened training inputs [n, d] float64, which it may overwrite
    keeps_places: whether what comes out of a picture is one, each number still at its pixel's place
    keeps_units: whether it only adds to each number, so that differences of two inputs stay as they are
    """

    find: Callable[[NDArray[np.float64]], Fitted]
    keeps_places: bool = True
    keeps_units: bool = False

    def fit(self, inputs: NDArray[np.float32]) -> Fitted:
        """The map fitted to training inputs [n, *shape]. Never fit it to others: their metrics would be too good."""
        with one_thread():
            return self.find(inputs.reshape(len(inputs), -1).astype(np.float64))


def product(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix product of [n, k] and [k, m]."""
    import torch

    found: NDArray[np.float64] = (torch.as_tensor(left) @ torch.as_tensor(right)).numpy()
    return found


def eigh(symmetric: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues [d], rising, and eigenvectors [d, d], a column each."""
    import torch

    values, vectors = torch.linalg.eigh(torch.as_tensor(symmetric))
    return values.numpy(), vectors.contiguous().numpy()


def one_thread() -> threadpool_limits:
    """A context in which linear algebra computes on one thread.

    On several it rounds otherwise, and lanes do not all have the same number of threads.
    """
    return threadpool_limits(1)
