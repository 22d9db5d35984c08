"""CIFAR-10's binary files, written here byte by byte."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from slalom.errors import InputError
from slalom_worker.tasks.cifar10 import CIFAR10, PUBLISHED, Cifar10, batch_records

if TYPE_CHECKING:
    from pathlib import Path

CHANCE = np.random.default_rng(0)


def batch(labels: np.ndarray, pictures: np.ndarray) -> bytes:
    """A label, then the rows of red, of green and of blue, for each picture."""
    return b"".join(bytes([label]) + picture.tobytes() for label, picture in zip(labels, pictures, strict=True))


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[bytes, int]:
    """A folder with the six files of 20 examples each, which count as the published ones; the label of each picture."""
    sums, known = {}, {}
    for name in PUBLISHED.checksums:
        labels, pictures = np.arange(20) % 10, CHANCE.integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
        (tmp_path / name).write_bytes(batch(labels, pictures))
        sums[name] = hashlib.sha256(batch(labels, pictures)).hexdigest()
        known |= {picture.tobytes(): int(label) for label, picture in zip(labels, pictures, strict=True)}
    monkeypatch.setattr(Cifar10, "published", replace(PUBLISHED, checksums=sums))
    return known


def test_pictures_and_labels_are_those_of_the_files(tiny: dict[bytes, int], tmp_path: Path) -> None:
    data = Cifar10(data=str(tmp_path)).load()
    assert (data.shape, data.picture, data.classes) == ((3, 32, 32), (3, 32, 32), 10)
    assert data.train.inputs.dtype == np.uint8
    parts = (data.train, data.validation, data.test)
    assert [np.bincount(part.labels).tolist() for part in parts] == [[9] * 10, [1] * 10, [2] * 10]
    for part in parts:
        assert [tiny[picture.tobytes()] for picture in part.inputs] == part.labels.tolist()


def test_the_first_byte_is_the_label_and_red_comes_first() -> None:
    record = bytes([7]) + bytes(range(256)) * 12
    (picture,), (label,) = batch_records(record)
    assert label == 7
    assert picture[0, 0].tolist() == list(range(32))
    assert picture[:, 0, 1].tolist() == [1, 1, 1]
    assert picture[1].tobytes() == record[1 + 1024 : 1 + 2048]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must hold whole records of 3073 bytes, but holds 0 bytes"),
        (bytes(3073 + 1000), "must hold whole records of 3073 bytes, but holds 4073 bytes"),
        (bytes(3073) + b"\x0a" + bytes(3072), r"labels must be in \[0, 10\), but got 10 in record 1"),
    ],
)
def test_what_is_no_batch_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        batch_records(content)


def test_a_file_that_is_cut_is_named(tiny: dict[bytes, int], tmp_path: Path) -> None:
    path = tmp_path / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=f"{path}: must be the published file of CIFAR-10, but got: .*SHA-256"):
        CIFAR10.open({"data": str(tmp_path)}, tmp_path).load()


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("it was unpickled",))


def test_the_pickled_version_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError, match=f"{tmp_path}: must hold the binary version of CIFAR-10, .* pickled"):
        Cifar10(data=str(tmp_path)).load()
