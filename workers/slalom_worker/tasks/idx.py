"""Grey pictures in MNIST's four gzipped files, in the IDX format: a header, then bytes.

Source: Y. LeCun, C. Cortes, C. Burges 1998, "The MNIST database of handwritten digits", on the format.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from slalom.errors import InputError
from slalom_worker.tasks.published_pictures import PublishedPictures

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NAMES = {"train": "train", "test": "t10k"}
BYTES = 8
"""The header's code for unsigned bytes, the type of pictures and labels."""


@dataclass(frozen=True)
class IdxPictures(PublishedPictures):
    """Inputs [784] in [0, 1]: pixel rows one after the other, grey levels divided by 255."""

    picture: ClassVar[tuple[int, int, int]] = (1, 28, 28)
    training: ClassVar[float] = 5 / 6

    def read(self, folder: Path, part: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """See PublishedPictures."""
        pixels = self._numbers(folder / f"{NAMES[part]}-images-idx3-ubyte.gz")
        labels = self._numbers(folder / f"{NAMES[part]}-labels-idx1-ubyte.gz")
        # dtype, since numpy 1 would divide bytes by float32(255) in float16
        inputs = np.divide(pixels.reshape(len(pixels), -1), np.float32(255), dtype=np.float32)
        return inputs, labels.astype(np.int64)

    def _numbers(self, path: Path) -> NDArray[np.uint8]:
        try:
            return idx_numbers(self.content(path))
        except ValueError as exc:
            raise InputError(f"{path}: {exc}") from exc


def idx_numbers(content: bytes) -> NDArray[np.uint8]:
    """The array in an IDX file's content; ValueError, with rule and value, where that is no complete array of bytes."""
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != BYTES:
        raise ValueError(f"must begin as an IDX file of unsigned bytes does, 00 00 08, but got {content[:3].hex(' ')}")
    end = 4 + 4 * content[3]
    if len(content) < end:
        raise ValueError(f"must have a header of {end} bytes, but has {len(content)} bytes")
    shape = struct.unpack(f">{content[3]}I", content[4:end])
    if len(content) - end != prod(shape):
        raise ValueError(f"must hold {prod(shape)} bytes for the shape {list(shape)}, but got {len(content) - end}")
    return np.frombuffer(content, np.uint8, offset=end).reshape(shape)
