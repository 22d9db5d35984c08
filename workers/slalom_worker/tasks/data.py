"""What a task gives: labelled examples in three fixed splits, and a digest that pins them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np


class Split(NamedTuple):
    """inputs [n, ...] float32, labels [n] int64 in [0, classes), weights [n] float64 of sum 1, or None for equal."""

    inputs: np.ndarray
    labels: np.ndarray
    weights: np.ndarray | None = None


@dataclass(frozen=True)
class Data:
    """A task's data.

    facts: what is known about the task, such as {"bayes_error": 0.2101}; shown with the verdict
    """

    train: Split
    validation: Split
    test: Split
    classes: int
    facts: Mapping[str, float] = field(default_factory=dict)

    def digest(self) -> str:
        """SHA-256 over every split's shapes, types and bytes, as hexadecimal text."""
        sha = hashlib.sha256(str(self.classes).encode())
        for split in (self.train, self.validation, self.test):
            for array in split:
                if array is None:
                    sha.update(b"none")
                    continue
                sha.update(f"{array.dtype.str}{array.shape}".encode())
                sha.update(np.ascontiguousarray(array).tobytes())
        return sha.hexdigest()


class Task(Protocol):
    """A task: `load` gives its data; a class may add `model(structure)`, which gives a torch module of its own.

    Options of the study file's `task:` arrive as keyword arguments of the class.
    """

    def load(self) -> Data: ...


Options = Mapping[str, Any]
