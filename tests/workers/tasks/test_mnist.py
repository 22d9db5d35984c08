"""MNIST's files, written here byte by byte."""

from __future__ import annotations

import gzip
import hashlib
import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from slalom.errors import InputError
from slalom_worker.tasks.idx import idx_numbers
from slalom_worker.tasks.mnist import MNIST, PUBLISHED, Mnist

if TYPE_CHECKING:
    from pathlib import Path

CHANCE = np.random.default_rng(0)
PARTS = {"train": 60, "t10k": 20}


def idx(numbers: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{numbers.ndim}I", 0, 0, 8, numbers.ndim, *numbers.shape) + numbers.tobytes()


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """A folder with the four files of 60 and 20 examples, which count as the published ones; their arrays."""
    arrays, sums = {}, {}
    for part, count in PARTS.items():
        arrays[f"{part}-images-idx3-ubyte.gz"] = CHANCE.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        arrays[f"{part}-labels-idx1-ubyte.gz"] = np.arange(count, dtype=np.uint8) % 10
    for name, array in arrays.items():
        (tmp_path / name).write_bytes(gzip.compress(idx(array)))
        sums[name] = hashlib.sha256(idx(array)).hexdigest()
    assert sums.keys() == PUBLISHED.checksums.keys()
    monkeypatch.setattr(Mnist, "published", replace(PUBLISHED, checksums=sums))
    return arrays


def test_pictures_and_labels_are_those_of_the_files(tiny: dict[str, np.ndarray], tmp_path: Path) -> None:
    data = Mnist(data=str(tmp_path)).load()
    assert (data.shape, data.picture, data.classes) == ((784,), (1, 28, 28), 10)
    assert [len(part.labels) for part in (data.train, data.validation, data.test)] == [50, 10, 20]
    assert [np.bincount(part.labels).tolist() for part in (data.train, data.validation)] == [[5] * 10, [1] * 10]
    for part, name in ((data.test, "t10k"), (data.pool, "train")):
        pictures, labels = tiny[f"{name}-images-idx3-ubyte.gz"], tiny[f"{name}-labels-idx1-ubyte.gz"]
        rows = pictures.reshape(-1, 784) / np.float32(255)
        known = {row.tobytes(): label for row, label in zip(rows, labels, strict=True)}
        assert [known[row.tobytes()] for row in part.inputs] == part.labels.tolist()


def test_fewer_examples_are_a_part_of_all(tiny: dict[str, np.ndarray], tmp_path: Path) -> None:
    few, whole = (Mnist(data=str(tmp_path), examples=some).load().train for some in (20, None))
    assert np.bincount(few.labels).tolist() == [2] * 10
    assert {row.tobytes() for row in few.inputs} < {row.tobytes() for row in whole.inputs}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must begin as an IDX file of unsigned bytes does, 00 00 08, but got "),
        (b"\0\0\x0d\1" + bytes(8), "but got 00 00 0d"),
        (b"\0\0\x08\3" + bytes(8), "must have a header of 16 bytes, but has 12 bytes"),
        (idx(np.zeros((2, 3), np.uint8))[:-1], r"must hold 6 bytes for the shape \[2, 3\], but got 5"),
        (idx(np.zeros((2, 3), np.uint8)) + b"x", r"must hold 6 bytes for the shape \[2, 3\], but got 7"),
    ],
)
def test_what_is_no_idx_file_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        idx_numbers(content)


def test_a_file_that_is_cut_is_named(tiny: dict[str, np.ndarray], tmp_path: Path) -> None:
    path = tmp_path / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match=f"{path}: must be the published file of MNIST, but got: not a whole"):
        MNIST.open({"data": str(tmp_path)}, tmp_path).load()
