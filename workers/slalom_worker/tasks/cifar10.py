"""CIFAR-10: 60,000 colour pictures, 32 x 32, of ten kinds of animals and vehicles.

The files are those of the binary version, since the Python version is pickled, and reading a pickle can run any code.
They come from the task's option `data`, or from a cache in the home folder that is filled from the authors' address.
All must have the content that the authors published. Of the authors' 50,000 training examples 5,000 validate.
Source: A. Krizhevsky 2009, "Learning multiple layers of features from tiny images", chapter 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from slalom.errors import InputError
from slalom_worker.tasks.base import TaskKind
from slalom_worker.tasks.published import Published
from slalom_worker.tasks.published_pictures import PublishedPictures, options

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slalom_worker.tasks.data import Data

TRAINING_EXAMPLES = 50_000
CLASSES = 10
PICTURE = (3, 32, 32)
RECORD = 1 + prod(PICTURE)
"""Bytes of an example: the label, then the rows of red, of green and of blue."""
PICKLED = "data_batch_1"
"""The first file of the Python version."""
FILES = {"train": [f"data_batch_{number}.bin" for number in range(1, 6)], "test": ["test_batch.bin"]}
PUBLISHED = Published(
    name="CIFAR-10",
    cache="cifar10",
    checksums={
        "data_batch_1.bin": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
        "data_batch_2.bin": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
        "data_batch_3.bin": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
        "data_batch_4.bin": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
        "data_batch_5.bin": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
        "test_batch.bin": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
    },
    address="https://www.cs.toronto.edu/~kriz",
    instead="try again later, or set the task's option data to a folder with the six .bin files of the binary version",
    archive="cifar-10-binary.tar.gz",
)


@dataclass(frozen=True)
class Cifar10(PublishedPictures):
    """45,000 training, 5,000 validation, 10,000 test examples; see PublishedPictures.

    Inputs are bytes [3, 32, 32], which are divided by 255 for nets.
    """

    published: ClassVar[Published] = PUBLISHED
    picture: ClassVar[tuple[int, int, int]] = PICTURE
    training: ClassVar[float] = 0.9

    def load(self) -> Data:
        """See PublishedPictures; InputError where the folder holds only the pickled version."""
        if self.data is not None:
            folder = Path(self.data)
            if (folder / PICKLED).is_file() and not (folder / f"{PICKLED}.bin").is_file():
                raise InputError(
                    f"{folder}: must hold the binary version of CIFAR-10, data_batch_1.bin and so on, but got the "
                    "pickled one, which could run anything; take cifar-10-binary.tar.gz from the authors' page"
                )
        return super().load()

    def read(self, folder: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """See PublishedPictures."""
        batches = [self._batch(folder / name) for name in FILES[part]]
        inputs, labels = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
        return inputs, labels

    def _batch(self, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        try:
            return batch_records(self.content(path))
        except ValueError as exc:
            raise InputError(f"{path}: {exc}") from exc


def batch_records(content: bytes) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures [n, 3, 32, 32] and labels [n] in a batch file's content; ValueError, with rule and value, if wrong."""
    if not content or len(content) % RECORD:
        raise ValueError(f"must hold whole records of {RECORD} bytes, but holds {len(content)} bytes")
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= CLASSES:
        raise ValueError(f"labels must be in [0, {CLASSES}), but got {labels.max()} in record {labels.argmax()}")
    return records[:, 1:].reshape(-1, *PICTURE), labels


CIFAR10 = TaskKind(Cifar10, options(TRAINING_EXAMPLES), folders=("data",))
