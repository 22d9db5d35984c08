"""A task's data: examples with labels or targets in three fixed splits, and a digest over them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from math import fsum, isfinite, prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from slalom.errors import InputError
from slalom.wire.kinds import positive
from slalom_worker.tasks.conversion import converted, rounding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


NAMES = ("train", "validation", "test")
SUM_TOLERANCE = 1e-6
"""How far a split's weights may be from the sum 1."""


class Split(NamedTuple):
    """The n examples of a split.

    inputs: [n, ...] float32; int64 for whole numbers such as words; or uint8 for pictures, whose bytes are divided by
        255 before nets and preprocessing get them
    labels: [n] int64 in [0, classes); in a regression the targets [n, k] float32
    weights: [n] float64 of sum 1, or None where all examples count alike
    """

    inputs: NDArray[Any]
    labels: NDArray[np.int64] | NDArray[np.float32]
    weights: NDArray[np.float64] | None = None

    def plain(self) -> Split:
        """The split with C-contiguous arrays of numpy's own class; the same object where they already are."""
        parts: list[Any] = [None if array is None else np.ascontiguousarray(array) for array in self]
        same = type(self) is Split and all(part is array for part, array in zip(parts, self, strict=True))
        return self if same else Split(*parts)


@dataclass(frozen=True)
class Data:
    """A task's data; the constructor raises InputError, with rule and value, where a split breaks a rule of Split.

    Other real and whole types are converted, and `notes` says where that rounds; a regression's labels [n] become
    [n, 1]. Arrays that are not numpy's own and C-contiguous are replaced by copies that are: no number depends on the
    given arrays' memory layout, and pickled (protocol 5) the arrays are buffers that can be read in place.

    classes: number of classes, or None in a regression
    facts: what is known about the task, such as {"bayes_error": 0.2101}; finite numbers, shown with the verdict
    bound: every parameter is kept within +-bound after each update (projection), or None for no bound
    picture: (channels, height, width) where inputs are pictures, also if each is laid out in a row; nets of pictures
        need it. It is no part of the digest, since it changes no array. Bytes stay bytes only in pictures
    notes: what was done to the arrays, for people to read
    pool: the examples that other splits are drawn from, before options change them, or None for `train` followed by
        `validation`; parts whose inputs are slices of the pool's share its memory, also when pickled
    inputs_digest: replaces the bytes of all inputs in the digest, where the inputs lie in a file that each node makes
        for itself, so that they are not sent there; None where they are in memory
    """

    train: Split
    validation: Split
    test: Split
    classes: int | None
    facts: Mapping[str, float] = field(default_factory=dict)
    bound: float | None = None
    pool: Split | None = None
    picture: tuple[int, int, int] | None = None
    notes: tuple[str, ...] = ()
    inputs_digest: str | None = None

    def __post_init__(self) -> None:
        if self.classes is not None:
            whole = isinstance(self.classes, int | np.integer) and not isinstance(self.classes, bool)
            _require(whole and self.classes >= 2, "classes must be a whole number, at least 2", self.classes)
        if self.bound is not None:
            _require(self.bound in positive(), f"bound must be {positive()}", self.bound)
        object.__setattr__(self, "facts", {str(name): _fact(name, value) for name, value in self.facts.items()})
        splits = {name: getattr(self, name) for name in (*NAMES, *(() if self.pool is None else ("pool",)))}
        object.__setattr__(self, "notes", (*self.notes, *rounding(splits)))
        for name, split in splits.items():
            split = self._converted(split)
            _check_split(name, split, self.classes, picture=self.picture is not None)
            object.__setattr__(self, name, split.plain())
            _check_like(f"{name}.inputs", split.inputs, self.train.inputs)
            _check_like(f"{name}.labels", split.labels, self.train.labels)
        if self.picture is not None:
            fits = len(self.picture) == 3 and prod(self.picture) == prod(self.shape)
            _require(fits, f"picture must be (channels, height, width) of inputs {list(self.shape)}", self.picture)

    def _converted(self, split: Any) -> Any:
        if not isinstance(split, Split):
            return split
        inputs, labels = converted(split.inputs, split.labels, self.classes, picture=self.picture is not None)
        same = inputs is split.inputs and labels is split.labels
        return split if same else split._replace(inputs=inputs, labels=labels)

    def __getstate__(self) -> dict[str, Any]:
        """The fields, in which inputs that lie in the pool are replaced by a slice of it."""
        state = {name: getattr(self, name) for name in self.__dataclass_fields__}
        if self.pool is not None:
            for name in NAMES:
                place = self.place(getattr(self, name).inputs)
                state[name] = state[name] if place is None else state[name]._replace(inputs=place)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name in NAMES:
            inputs = state[name].inputs
            if isinstance(inputs, slice):
                state[name] = state[name]._replace(inputs=state["pool"].inputs[inputs])
        self.__dict__.update(state)

    def place(self, inputs: NDArray[Any]) -> slice | None:
        """The slice of the pool's inputs in whose memory an array [n, ...] lies; None where it has its own memory."""
        if self.pool is None:
            return None
        pool, row = self.pool.inputs, self.pool.inputs[0].nbytes
        start, rest = divmod(inputs.ctypes.data - pool.ctypes.data, max(1, row))
        inside = rest == 0 and start >= 0 and start + len(inputs) <= len(pool)
        return slice(start, start + len(inputs)) if inside else None

    def pooled(self) -> Data:
        """The data with a pool, of which `train` and `validation` are slices; the same object where it has a pool."""
        if self.pool is not None:
            return self
        count = len(self.train.labels)
        parts = (self.train, self.validation)
        inputs = np.concatenate([part.inputs for part in parts])
        pool: Any = Split(inputs, np.concatenate([part.labels for part in parts]), _joined_weights(*parts))
        train, validation = self.train._replace(inputs=inputs[:count]), self.validation._replace(inputs=inputs[count:])
        return replace(self, train=train, validation=validation, pool=pool)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input, such as (64,)."""
        return self.train.inputs.shape[1:]

    @property
    def net_shape(self) -> tuple[int, ...]:
        """The shape of one input as a net takes it: the picture's shape, such as (1, 8, 8), where there is one."""
        return self.picture or self.shape

    @property
    def outputs(self) -> int:
        """The width of a net's output: the classes, or k of the targets [n, k]."""
        return self.train.labels.shape[1] if self.classes is None else self.classes

    def plain(self) -> Data:
        """The data without facts and notes, which training does not need."""
        return replace(self, facts={}, notes=())

    def digest(self) -> str:
        """SHA-256 over classes, bound and every part's shapes, types and bytes, as hexadecimal text.

        The pool counts as a part unless it is the other parts side by side, as that of `pooled` is.
        """
        sha = hashlib.sha256(str(self.classes).encode())
        if self.bound is not None:
            sha.update(f"bound {float(self.bound)}".encode())
        parts = [self.train, self.validation, self.test]
        if self.pool is not None and not self._is_side_by_side(self.pool):
            parts.append(self.pool)
        for split in parts:
            for array in split:
                if array is None:
                    sha.update(b"none")
                    continue
                sha.update(f"{array.dtype.str}{array.shape}".encode())
                if array is split.inputs and self.inputs_digest is not None:
                    sha.update(self.inputs_digest.encode())
                    continue
                sha.update(np.ascontiguousarray(array).data.cast("B"))
        return sha.hexdigest()

    def _is_side_by_side(self, pool: Split) -> bool:
        """Whether the pool is train followed by validation, or by validation and test."""
        is_of_two = len(pool.labels) == len(self.train.labels) + len(self.validation.labels)
        parts = [self.train, self.validation, self.test][: 2 if is_of_two else 3]
        labels, weights = np.concatenate([part.labels for part in parts]), _joined_weights(*parts)
        if not np.array_equal(labels, pool.labels) or not _are_same(weights, pool.weights):
            return False
        first = 0
        for part in parts:
            place = slice(first, first + len(part.labels))
            # pictures that lie in the pool are not read
            if self.place(part.inputs) != place and not np.array_equal(part.inputs, pool.inputs[place]):
                return False
            first = place.stop
        return True


def _are_same(one: NDArray[Any] | None, other: NDArray[Any] | None) -> bool:
    return one is other if one is None or other is None else np.array_equal(one, other)


def _joined_weights(*parts: Split) -> NDArray[np.float64] | None:
    """The weights of the parts' examples together, of sum 1, such that all parts' mean weights are equal."""
    if all(part.weights is None for part in parts):
        return None
    each = [np.ones(len(part.labels)) if part.weights is None else part.weights * len(part.labels) for part in parts]
    return normalised(np.concatenate(each))


def normalised(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights [n] scaled to the sum 1; InputError where all are 0."""
    total = fsum(weights)  # rounded only once, so the same on every machine
    _require(total > 0, "weights of a split's part must not all be 0", total)
    return weights / total


def _require(holds: bool | np.bool_, rule: str, value: object) -> None:
    if not holds:
        raise InputError(f"{rule}, but got {value}")


def _fact(name: str, value: Any) -> float:
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    _require(number and isfinite(value), f"facts must be finite numbers, {name} too", repr(value))
    return float(value)


def _check_split(name: str, split: object, classes: int | None, *, picture: bool) -> None:
    if not isinstance(split, Split):
        raise InputError(f"{name} must be a Split, but got {type(split).__name__}")
    inputs, labels, weights = split
    kinds = (np.int64, np.uint8) if picture else (np.int64,)
    of_inputs = next((kind for kind in kinds if isinstance(inputs, np.ndarray) and inputs.dtype == kind), np.float32)
    _check_array(f"{name}.inputs", inputs, of_inputs)
    shaped = inputs.ndim >= 2 and 0 not in inputs.shape[1:]
    _require(shaped, f"{name}.inputs must be of shape [n, ...]", list(inputs.shape))
    if classes is None:
        _check_array(f"{name}.labels", labels, np.float32, " in a regression")
        shaped = labels.ndim == 2 and labels.shape[1] > 0
        _require(shaped, f"{name}.labels must be of shape [n, k] in a regression", list(labels.shape))
    else:
        _check_array(f"{name}.labels", labels, np.int64, " of classes (numbers are predicted with classes=None)")
        _require(labels.ndim == 1, f"{name}.labels must be of shape [n]", list(labels.shape))
        wrong = labels[(labels < 0) | (labels >= classes)]
        _require(not wrong.size, f"{name}.labels must be in [0, {classes})", wrong[:1])
    _require(len(inputs) > 0, f"{name} must hold an example", "none")
    _require(len(labels) == len(inputs), f"{name} must have a label for each of {len(inputs)} inputs", len(labels))
    if weights is not None:
        _check_array(f"{name}.weights", weights, np.float64)
        expected = f"{name}.weights must be of shape [n] = [{len(inputs)}]"
        _require(weights.shape == inputs.shape[:1], expected, list(weights.shape))
        _require(weights.min() >= 0, f"{name}.weights must not be negative", weights.min())
        _require(abs(weights.sum() - 1) <= SUM_TOLERANCE, f"{name}.weights must have the sum 1", weights.sum())


def _check_like(name: str, array: NDArray[Any], train: NDArray[Any]) -> None:
    """Raise InputError where a split's examples have another shape or type than those of the training split."""
    expected = f"{name} must have the shape of train's, [{', '.join(['n', *map(str, train.shape[1:])])}]"
    _require(array.shape[1:] == train.shape[1:], expected, list(array.shape))
    _require(array.dtype == train.dtype, f"{name} must have the type of train's, {train.dtype}", array.dtype)


def _check_array(name: str, array: object, kind: type[np.generic], where: str = "") -> None:
    if not isinstance(array, np.ndarray):
        raise InputError(f"{name} must be a numpy array, but got {type(array).__name__}")
    if isinstance(array, np.ma.MaskedArray):
        raise InputError(
            f"{name} must be a plain numpy array, but got a masked one ({int(np.sum(array.mask))} numbers are masked); "
            "leave such examples out, or fill them in"
        )
    _require(array.dtype == kind, f"{name} must be {np.dtype(kind)}{where}", array.dtype)
    if not issubclass(kind, np.floating):
        return  # whole numbers are finite, and pictures may be more than fits the memory
    finite = np.isfinite(array)
    _require(finite.all(), f"{name} must be finite", array[~finite][:1])
