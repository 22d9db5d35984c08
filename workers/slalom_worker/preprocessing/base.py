"""What preprocessing is: an affine map of the inputs, fitted to the training inputs and applied to all splits.

Like the optimizers, the files here load without torch. Linear algebra is torch's, whose kernels are pinned
(slalom_worker/environment.py): numpy's OpenBLAS chooses its own by the processor when numpy is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from slalom.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

ROWS = 4096
"""Inputs that are mapped at once: a float64 copy of a whole data set would take twice the data set's memory."""

BYTE_ROWS = 256
"""Pictures whose bytes are added up at once."""

MOST_BYTES = 1 << 33
"""Of a copy of the training pictures in float64, for a preprocessing that looks at all of them at once."""


def as_numbers(inputs: NDArray[Any]) -> NDArray[Any]:
    """Inputs as nets take them: the bytes of pictures over 255, float32; others as they are."""
    return np.divide(inputs, np.float32(255), dtype=np.float32) if inputs.dtype == np.uint8 else inputs


class Fitted(NamedTuple):
    """A fitted map: flattened inputs x [n, d] become (x - shift) * factor, or (x - shift) @ factor.

    shift: [d] float64
    factor: [d] or [d, d] float64
    """

    shift: NDArray[np.float64]
    factor: NDArray[np.float64]

    def apply(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """The mapped inputs [n, *shape], bytes over 255 first; the map is computed in float64."""
        flat = inputs.reshape(len(inputs), -1)
        mapped = np.empty_like(flat, np.float32)
        with one_thread():
            for start in range(0, len(flat), ROWS):
                rows = as_numbers(flat[start : start + ROWS]) - self.shift
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
    of_moments: gives the map from the mean [d] and the variance [d] (of n, not n - 1) of the training inputs, where
        that of a constant feature is 0 exactly; None where the map needs to know more
    keeps_places: whether what comes out of a picture is one, each number still at its pixel's place
    keeps_units: whether it only adds to each number, so that differences of two inputs stay as they are
    """

    find: Callable[[NDArray[np.float64]], Fitted]
    of_moments: Callable[[NDArray[np.float64], NDArray[np.float64]], Fitted] | None = None
    keeps_places: bool = True
    keeps_units: bool = False

    def fit(self, inputs: NDArray[np.float32]) -> Fitted:
        """The map fitted to training inputs [n, *shape]. Never fit it to others: their metrics would be too good."""
        with one_thread():
            return self.find(inputs.reshape(len(inputs), -1).astype(np.float64))

    def fit_bytes(self, inputs: NDArray[np.uint8], rows: NDArray[np.int64]) -> Fitted:
        """The map fitted to those rows [m] of pictures [n, *shape] that train.

        The pictures are read a few at a time where the map comes of mean and variance. Raises InputError where it does
        not, and they are too many to be read at once.
        """
        if self.of_moments is not None:
            return self.of_moments(*byte_moments(inputs, rows))
        size = len(rows) * inputs[0].size * np.dtype(np.float64).itemsize
        if size > MOST_BYTES:
            raise InputError(
                "preprocess must be one that learns mean and variance alone, center or standardize, where the training "
                f"pictures take more than {MOST_BYTES >> 30} GB as float64, but they take {size >> 30} GB"
            )
        return self.fit(as_numbers(inputs[rows]))


def byte_moments(inputs: NDArray[np.uint8], rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean [d] and the variance [d] of the bytes over 255 in those rows [m] of flattened pictures [n, *shape].

    Sums are of whole numbers, so that their order does not matter, and a constant's variance is 0.
    """
    sums = np.zeros((2, inputs[0].size), np.int64)
    for first in range(0, len(rows), BYTE_ROWS):
        some = inputs[rows[first : first + BYTE_ROWS]].reshape(-1, sums.shape[1])
        sums[0] += some.sum(axis=0, dtype=np.int64)
        # of each picture by itself, as squares take eight times the bytes' memory
        for one in some:
            sums[1] += one.astype(np.int64) ** 2
    count, total, squares = len(rows), sums[0], sums[1]
    mean = total / (count * 255)
    return mean, (count * squares - total**2) / (count * 255.0) ** 2


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
