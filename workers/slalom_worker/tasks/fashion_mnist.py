"""Fashion-MNIST: 70,000 grey images, 28 x 28, of ten kinds of clothing.

The files come from the task's option `data`, from Debian's package dataset-fashion-mnist, or from a cache in
the home folder that is filled from the authors' address. All must have the content that the authors published.
Other splits than the task's own draw training and validation examples anew; the test part stays.
Source: H. Xiao, K. Rasul, R. Vollgraf 2017, "Fashion-MNIST", arXiv:1708.07747 (MIT licence).
"""

from __future__ import annotations

import gzip
import hashlib
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slalom.errors import Infrastructure, InputError
from slalom.wire.kinds import Integer, Text
from slalom.wire.seeds import derive
from slalom_worker.tasks.base import TaskKind
from slalom_worker.tasks.data import Data, Split
from slalom_worker.tasks.parts import Part, Parts
from slalom_worker.tasks.splits import divided
from slalom_worker.tasks.training_options import TRAINING_OPTIONS, TrainingOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

ADDRESS = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
PACKAGE = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts the files."""
CHECKSUMS: Mapping[str, str] = {
    "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
"""SHA-256 of the unpacked files: Debian packed them anew, so only the content is the same everywhere."""
CLASSES = 10
PICTURE = (1, 28, 28)
EXAMPLES, VALIDATION_EXAMPLES = 60_000, 10_000
"""The authors' training examples, and how many of them validate."""
SPLIT_SEED, EXAMPLES_SEED = 0, 1
TIMEOUT = 60.0
"""Seconds without an answer before a download is given up."""
INSTEAD = (
    "try again later, install Debian's package dataset-fashion-mnist, "
    "or set the task's option data to a folder with the four files"
)


@dataclass(frozen=True)
class FashionMnist(TrainingOptions):
    """Inputs [784] in [0, 1]: pixel rows one after the other, grey levels divided by 255.

    data: a folder with the four published files, packed by gzip
    examples: how many training examples are left, each class alike, or None for all; fewer make short studies
    validation_examples: how many of the authors' 60,000 validate; the others train
    package, cache, address: where the files are looked for without `data`, in this order;
        the cache is ~/.cache/slalom/fashion_mnist unless given
    further options: TrainingOptions
    """

    data: str | None = None
    examples: int | None = None
    validation_examples: int = VALIDATION_EXAMPLES
    package: Path = PACKAGE
    cache: Path | None = None
    address: str = ADDRESS

    def load(self) -> Data:
        """50,000 training, 10,000 validation (of the authors' 60,000), 10,000 test examples, where nothing is set."""
        folder = self._folder()
        inputs, labels = self._images(folder, "train")
        rows = divided(labels, len(labels) - self.validation_examples, SPLIT_SEED)
        order, count = np.concatenate(rows), len(rows[0])  # so that each part is a slice of the pool
        pool = Split(inputs[order], labels[order])
        return Data(
            train=self.altered(self._few(Part.of(pool, np.arange(count)), EXAMPLES_SEED).split(), CLASSES),
            validation=Split(pool.inputs[count:], pool.labels[count:]),
            test=Split(*self._images(folder, "t10k")),
            classes=CLASSES,
            pool=pool,
            picture=PICTURE,
        )

    def draw(self, pool: Split, own: Parts, seed: int) -> Parts:
        """See Draws."""
        train, validation = divided(pool.labels, len(pool.labels) - len(own.validation.rows), seed)
        few = self._few(Part.of(pool, train), derive(seed, "examples"))
        return Parts(self.altered_part(few, CLASSES, seed), Part.of(pool, validation), own.test)

    def _few(self, train: Part, seed: int) -> Part:
        """Of a training part as many examples as the option says, drawn by a seed."""
        if self.examples is None:
            return train
        if self.examples > len(train.labels):
            raise InputError(
                f"task fashion_mnist: examples must be at most {len(train.labels)}, as many as train beside "
                f"{self.validation_examples} that validate, got {self.examples}"
            )
        rows, _ = divided(train.labels, self.examples, seed)
        return train._replace(rows=train.rows[rows], labels=train.labels[rows])

    def _folder(self) -> Path:
        if self.data is not None:
            return Path(self.data)
        if all((self.package / name).is_file() for name in CHECKSUMS):
            return self.package
        cache = self.cache or Path.home() / ".cache" / "slalom" / "fashion_mnist"
        download(cache, self.address)
        return cache

    def _images(self, folder: Path, part: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        # the checksum pins the content, so its header of 16 (images) or 8 bytes (labels) needs no reading
        pixels = np.frombuffer(self._content(folder / f"{part}-images-idx3-ubyte.gz"), np.uint8, offset=16)
        # dtype, since numpy 1 would divide bytes by a small float in float16
        inputs = np.divide(pixels.reshape(-1, 784), np.float32(255), dtype=np.float32)
        labels = np.frombuffer(self._content(folder / f"{part}-labels-idx1-ubyte.gz"), np.uint8, offset=8)
        return inputs, labels.astype(np.int64)

    def _content(self, path: Path) -> bytes:
        try:
            return _unpacked(path.read_bytes(), CHECKSUMS[path.name])
        except (OSError, ValueError) as exc:
            if self.data is not None:
                raise InputError(f"{path}: must be the published file of Fashion-MNIST, but got: {exc}") from exc
            raise Infrastructure(f"{path} cannot be used: {exc}; remove it, then {INSTEAD}") from exc


def download(folder: Path, address: str, checksums: Mapping[str, str] = CHECKSUMS) -> None:
    """Download the files that the folder lacks; each is stored whole and checked, or not at all.

    checksums: SHA-256 of each file's unpacked content, by the file's name below the address
    Raises Infrastructure, with what to do, where a file cannot be downloaded or stored, or is not the expected one.
    """
    for name, expected in checksums.items():
        if (folder / name).is_file():
            continue
        url = f"{address}/{name}"
        try:
            packed = _get(url)
            _unpacked(packed, expected)
            _store(folder / name, packed)
        except (OSError, ValueError) as exc:
            raise Infrastructure(f"{url} cannot be downloaded to {folder}: {exc}; {INSTEAD}") from exc


def _get(url: str) -> bytes:
    """The body at an address; OSError where there is none, ValueError where it is cut short."""
    from http.client import HTTPException
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=TIMEOUT) as response:  # noqa: S310 (the address is the module's, not the user's)
            body: bytes = response.read()
    except HTTPException as exc:
        raise ValueError(f"the answer is no whole file ({exc})") from exc
    return body


def _unpacked(packed: bytes, expected: str) -> bytes:
    """What gzip packed; ValueError where its SHA-256 is not the expected."""
    try:
        content = gzip.decompress(packed)
    except (gzip.BadGzipFile, EOFError, zlib.error) as exc:
        raise ValueError(f"not a whole gzip file ({exc})") from exc
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ValueError(f"the unpacked content must have the SHA-256 {expected}, but got {found}")
    return content


def _store(path: Path, content: bytes) -> None:
    """Write the file in one step, so that no other lane of the machine sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        part = Path(scratch) / path.name
        part.write_bytes(content)
        part.replace(path)


FASHION_MNIST = TaskKind(
    FashionMnist,
    {
        "data": Text(),
        "examples": Integer(None, low=100, high=EXAMPLES - 100),
        "validation_examples": Integer(VALIDATION_EXAMPLES, low=100, high=EXAMPLES // 2),
        **TRAINING_OPTIONS,
    },
    folders=("data",),
)
