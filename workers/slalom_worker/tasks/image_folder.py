"""The user's pictures in ImageNet's layout: a folder for each class, below train, val and test or by themselves.

    data/train/CLASS/*.jpg and data/val/CLASS/*.jpg     val is the test part; a share of train validates
    data/train, data/val and data/test                  each as its name says
    data/CLASS/*.jpg                                    a share tests, and a share of the rest validates

Classes are numbered by their sorted names. Every picture is decoded once, before training, into a file of bytes in a
cache folder, which is memory-mapped: training reads what a step needs, and the system keeps in memory what fits.
Source of the layout and of the square in the middle: A. Krizhevsky, I. Sutskever, G. Hinton 2012, "ImageNet
classification with deep convolutional neural networks", 2.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slalom.errors import InputError
from slalom.wire.kinds import MOST_EXAMPLES, Choice, Integer, Number, Text
from slalom.wire.seeds import derive
from slalom_worker.tasks.base import TaskKind
from slalom_worker.tasks.data import Data, Split
from slalom_worker.tasks.parts import Part, Parts
from slalom_worker.tasks.picture_cache import PictureCache
from slalom_worker.tasks.picture_files import list_pictures
from slalom_worker.tasks.pieces import CHANNELS
from slalom_worker.tasks.splits import divided
from slalom_worker.tasks.training_options import TRAINING_OPTIONS, TrainingOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slalom_worker.tasks.picture_files import Listing

Notes = tuple[str, ...]

MOST_NAMED = 5
"""Most pictures that a message names."""


@dataclass(frozen=True)
class ImageFolder(TrainingOptions):
    """Inputs [3, size, size] are bytes of red, green and blue, which are divided by 255 for nets.

    data: the folder with the pictures
    size: pixels of a picture's side; the largest square in the picture's middle is resized to it
    validation: the share of the training pictures that validate, where no folder says which
    test: the share of all pictures that tests, where no folder says which
    examples: how many training pictures are kept, the same share of every class, or None for all
    corrupt: "refuse" a folder with pictures that cannot be decoded, or "skip" them
    cache: the folder with decoded pictures, ~/.cache/slalom/image_folder unless given
    further options: TrainingOptions
    """

    data: str | None = None
    size: int = 256
    validation: float = 0.1
    test: float = 0.2
    examples: int | None = None
    corrupt: str = "refuse"
    cache: str | None = None

    def load(self) -> Data:
        """The pictures, which are decoded first where that was not done before.

        Other splits draw training and validation pictures anew and, where no folder says which pictures test, test
        pictures, too. Raises InputError where the folder has none of the layouts or a picture that cannot be decoded,
        and Infrastructure where the cache cannot be written.
        """
        if self.data is None:
            raise InputError("image_folder: data must name the folder with the pictures, but is not set")
        listing, cache, notes = self._decoded(list_pictures(Path(self.data)), ())
        pictures = cache.pictures()
        places = np.cumsum([0, *(len(section.pictures) for section in listing.sections)])
        of = {
            section.name: Split(pictures[first:last], section.labels)
            for section, first, last in zip(listing.sections, places[:-1], places[1:], strict=True)
        }
        pool, train, validation, test = self._parts(pictures, of)
        return Data(
            train=self.altered(_between(train, 0, self._few(len(train.labels))), len(listing.classes)),
            validation=validation,
            test=test,
            classes=len(listing.classes),
            pool=pool,
            picture=(CHANNELS, self.size, self.size),
            notes=(*notes, f"{len(pictures)} pictures of {len(listing.classes)} classes, decoded to {cache.folder}"),
            inputs_digest=cache.whole().digest,
        )

    def draw(self, pool: Split, own: Parts, seed: int) -> Parts:
        """See Draws."""
        rest, test = np.arange(len(pool.labels)), own.test
        if own.test.inputs is pool.inputs:
            tested, rest = divided(pool.labels, len(own.test.rows), derive(seed, "test"))
            test = Part.of(pool, tested)
        train, validation = divided(pool.labels[rest], len(rest) - len(own.validation.rows), seed)
        few, _ = divided(pool.labels[rest[train]], self._few(len(train)), derive(seed, "examples"))
        part = Part.of(pool, rest[train[few]])
        return Parts(self.altered_part(part, int(pool.labels.max()) + 1, seed), Part.of(pool, rest[validation]), test)

    def _decoded(self, listing: Listing, notes: Notes) -> tuple[Listing, PictureCache, Notes]:
        """The listing without skipped pictures, its cache, and `notes` with a note on those skipped."""
        paths = [picture.path for picture in listing.pictures]
        folder = Path(self.cache) if self.cache is not None else Path.home() / ".cache" / "slalom" / "image_folder"
        cache = PictureCache(folder / self._key(listing), listing.root, paths, self.size)
        whole = cache.whole()
        if not whole.refused:
            return listing, cache, notes
        some = "; ".join(f"{listing.root / path}: {reason}" for path, reason in whole.refused[:MOST_NAMED])
        more = f" and {len(whole.refused) - MOST_NAMED} more" if len(whole.refused) > MOST_NAMED else ""
        told = f"{len(whole.refused)} of {len(paths)} pictures cannot be decoded: {some}{more}"
        if self.corrupt == "refuse":
            raise InputError(f"{told}; mend them or take them away, or set the task's option corrupt to skip")
        return self._decoded(listing.without({path for path, _ in whole.refused}), (*notes, f"skipped: {told}"))

    def _key(self, listing: Listing) -> str:
        """The cache's name: a hash of the files' paths, sizes and times, the picture size and Pillow's version."""
        sha = hashlib.sha256(f"{self.size} {version('pillow')}\n".encode())
        for picture in listing.pictures:
            sha.update(json.dumps((picture.path, picture.bytes, picture.changed)).encode())
        return sha.hexdigest()[:32]

    def _parts(self, pictures: NDArray[np.uint8], of: dict[str, Split]) -> tuple[Split, Split, Split, Split]:
        """The pool, then the training, validation and test parts; the test part may lie outside the pool."""
        if "all" in of:
            pool = of["all"]
            tested = _share(self.test, len(pool.labels), "test")
            rest = len(pool.labels) - tested
            kept = rest - _share(self.validation, rest, "validation")
            return pool, _between(pool, 0, kept), _between(pool, kept, rest), _between(pool, rest, len(pool.labels))
        train, test = of["train"], of["test"]
        if "validation" in of:
            labels = np.concatenate([train.labels, of["validation"].labels])
            return Split(pictures[: len(labels)], labels), train, of["validation"], test
        kept = len(train.labels) - _share(self.validation, len(train.labels), "validation")
        return train, _between(train, 0, kept), _between(train, kept, len(train.labels)), test

    def _few(self, count: int) -> int:
        """How many of `count` training pictures are kept; InputError where `examples` is more."""
        if self.examples is not None and self.examples > count:
            raise InputError(
                f"examples must be at most {count}, the training pictures of {self.data}, but got {self.examples}"
            )
        return self.examples or count


def _between(split: Split, first: int, last: int) -> Split:
    return Split(split.inputs[first:last], split.labels[first:last])


def _share(share: float, count: int, option: str) -> int:
    """The number of pictures in a share of `count`; InputError where it is 0 or all."""
    found = round(share * count)
    if not 0 < found < count:
        raise InputError(f"{option} must leave pictures on both sides, but {share} of {count} pictures is {found}")
    return found


IMAGE_FOLDER = TaskKind(
    ImageFolder,
    {
        "data": Text(),
        "size": Integer(256, low=8, high=1024),
        "validation": Number(0.1, low=0.0, high=1.0, open_low=True, open_high=True),
        "test": Number(0.2, low=0.0, high=1.0, open_low=True, open_high=True),
        "examples": Integer(None, low=2, high=MOST_EXAMPLES),
        "corrupt": Choice("refuse", ("refuse", "skip")),
        "cache": Text(),
        **TRAINING_OPTIONS,
    },
    folders=("data", "cache"),
)
