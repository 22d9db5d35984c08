"""What preprocessing is: an affine map of inputs, fitted to the training inputs and applied to all parts of a split.

Like the optimizers, the files here load without torch. Linear algebra is done by torch, whose kernels are pinned
(lane/environment.py): numpy's OpenBLAS chooses its kernels by the processor when numpy is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from slalom.errors import InputError, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

ROWS = 4096
"""Number of inputs that are mapped at once: a float64 copy of a data set would take twice the data set's memory."""

BYTE_ROWS = 256
"""Number of pictures whose bytes are added up at once."""

MOST_BYTES = 1 << 33
"""Most bytes of a float64 copy of the training pictures, for a preprocessing that needs all of them at once."""


def as_numbers(inputs: NDArray[Any]) -> NDArray[Any]:
    """Inputs as nets take them: bytes of pictures divided by 255, float32; others unchanged."""
    return np.divide(inputs, np.float32(255), dtype=np.float32) if inputs.dtype == np.uint8 else inputs


class Fitted(NamedTuple):
    """A fitted map: flattened inputs x [n, d] become (x - shift) * factor, or (x - shift) @ factor.

    shift: [d] float64
    factor: [d] or [d, d] float64
    """

    shift: NDArray[np.float64]
    factor: NDArray[np.float64]

    def apply(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """The mapped inputs [n, *shape]; bytes are first divided by 255. The map is computed in float64."""
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
        """The map with these arrays, named as by `arrays`; others are ignored."""
        return cls(arrays["shift"], arrays["factor"])


@dataclass(frozen=True)
class Preprocessing:
    """One way of preprocessing.

    find: (flattened training inputs [n, d] float64, which it may overwrite) -> the map
    of_moments: (mean [d], variance [d] (over n, not n - 1) of the training inputs, exactly 0 for a constant feature) ->
        the map; None where the map depends on more
    keeps_places: whether a mapped picture is still a picture, with each number at its pixel's place
    keeps_units: whether the map only adds to each number, so that differences of two inputs stay the same
    """

    find: Callable[[NDArray[np.float64]], Fitted]
    of_moments: Callable[[NDArray[np.float64], NDArray[np.float64]], Fitted] | None = None
    keeps_places: bool = True
    keeps_units: bool = False

    def fit(self, inputs: NDArray[np.float32]) -> Fitted:
        """The map fitted to training inputs [n, *shape]. Never fit it to other inputs: their metrics would be too good.

        Raises InputError where `find` gives no map of finite numbers.
        """
        with one_thread():
            flat = inputs.reshape(len(inputs), -1).astype(np.float64)
            return checked("find", self.find(flat), flat.shape[1])

    def fit_bytes(self, inputs: NDArray[np.uint8], rows: NDArray[np.int64]) -> Fitted:
        """The map fitted to the rows [m] of pictures [n, *shape] that train.

        The pictures are read a few at a time where the map depends on mean and variance alone. Raises InputError where
        it depends on more and the pictures take more than MOST_BYTES, and as `fit` does.
        """
        if self.of_moments is not None:
            return checked("of_moments", self.of_moments(*byte_moments(inputs, rows)), inputs[0].size)
        size = len(rows) * inputs[0].size * np.dtype(np.float64).itemsize
        if size > MOST_BYTES:
            raise InputError(
                "preprocess must be one that learns mean and variance alone, center or standardize, where the training "
                f"pictures take more than {MOST_BYTES >> 30} GB as float64, but they take {size >> 30} GB"
            )
        return self.fit(as_numbers(inputs[rows]))


def checked(function: str, found: object, size: int) -> Fitted:
    """What a function returned as the map of inputs [size]; InputError where it is no map of finite numbers."""
    wanted = f"{function} must give a Fitted(shift [{size}], factor [{size}] or [{size}, {size}]) of finite numbers"
    if not isinstance(found, Fitted):
        raise InputError(f"{wanted}, but gave {quoted(found)}")
    for name, part, shapes in (("shift", found.shift, [(size,)]), ("factor", found.factor, [(size,), (size, size)])):
        if not isinstance(part, np.ndarray) or part.dtype.kind not in "fiu":
            raise InputError(f"{wanted}, but its {name} is {quoted(part)}")
        if part.shape not in shapes:
            raise InputError(f"{wanted}, but its {name} has the shape {[*part.shape]}")
        if not np.isfinite(part).all():
            raise InputError(f"{wanted}, but its {name} is {part[~np.isfinite(part)][0]} at {_place(part)}")
    return found


def _place(part: NDArray[Any]) -> str:
    """The index of the first number that is not finite."""
    return str([int(axis[0]) for axis in np.nonzero(~np.isfinite(part))])


def byte_moments(inputs: NDArray[np.uint8], rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean [d] and variance [d] of the bytes, divided by 255, in the rows [m] of flattened pictures [n, *shape].

    Sums are of whole numbers, so that their order does not matter and a constant feature's variance is exactly 0.
    """
    sums = np.zeros((2, inputs[0].size), np.int64)
    for first in range(0, len(rows), BYTE_ROWS):
        some = inputs[rows[first : first + BYTE_ROWS]].reshape(-1, sums.shape[1])
        sums[0] += some.sum(axis=0, dtype=np.int64)
        # picture by picture, since squares take eight times the bytes' memory
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
    """Eigenvalues [d], ascending, and eigenvectors, the columns of [d, d]."""
    import torch

    values, vectors = torch.linalg.eigh(torch.as_tensor(symmetric))
    return values.numpy(), vectors.contiguous().numpy()


def one_thread() -> threadpool_limits:
    """A context in which linear algebra uses one thread.

    Several threads round differently, and lanes do not all have the same number of threads.
    """
    return threadpool_limits(1)
