"""Lists the pictures in a folder of ImageNet's layout, with each picture's class and purpose."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from slalom.errors import InputError
from slalom_worker.tasks.splits import random_words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Endings of picture files, in lower or upper case, as in torchvision's ImageFolder."""
FOLDERS = {"train": ("train",), "validation": ("val", "validation"), "test": ("test",)}
ORDER_SEED = 0


class Picture(NamedTuple):
    """A picture's file.

    path: below the root, with slashes
    label: the class's place among the sorted names
    bytes, changed: the file's size, and its modification time in nanoseconds
    """

    path: str
    label: int
    bytes: int
    changed: int


class Section(NamedTuple):
    """The pictures for one purpose, "train", "validation" or "test", or for "all" of them where no folder says which.

    For any m, the first m pictures hold every class's share, to within one picture.
    """

    name: str
    pictures: Sequence[Picture]

    @property
    def labels(self) -> NDArray[np.int64]:
        """The class of each picture [n]."""
        return np.array([picture.label for picture in self.pictures], np.int64)


class Listing(NamedTuple):
    """A folder's classes, sorted by name, and its pictures."""

    root: Path
    classes: Sequence[str]
    sections: Sequence[Section]

    @property
    def pictures(self) -> list[Picture]:
        """All pictures, section by section."""
        return [picture for section in self.sections for picture in section.pictures]

    def without(self, paths: Collection[str]) -> Listing:
        """The listing without some pictures; InputError where a section is empty or a class has none to train on."""
        sections = [(name, [one for one in pictures if one.path not in paths]) for name, pictures in self.sections]
        return _listing(self.root, self.classes, sections)


def list_pictures(root: Path) -> Listing:
    """The pictures below a folder.

    They are in root/train/CLASS, root/val/CLASS and root/test/CLASS, where `train` and another one must exist, or in
    root/CLASS. Files with other endings are ignored. Raises InputError, with the folder and the rule, for any other
    layout.
    """
    named = _folders(root)
    found = {part: [name for name in names if name in named] for part, names in FOLDERS.items()}
    if len(found["validation"]) > 1:
        raise InputError(f"{root}: must hold a folder val or validation, but has both")
    parts = {part: root / names[0] for part, names in found.items() if names}
    if "train" not in parts or len(parts) == 1:
        parts = {"all": root}
    elif "test" not in parts:
        parts["test"] = parts.pop("validation")  # results on ImageNet are reported on its validation pictures
    first, *others = parts.items()
    classes = _folders(first[1])
    sections = [(first[0], _of_classes(root, first[1], classes, classes))]
    for part, folder in others:
        own = _folders(folder)
        unknown = [name for name in own if name not in classes]
        if unknown:
            raise InputError(f"{folder}: must hold classes that {first[1]} holds, but has {unknown[0]!r}")
        sections.append((part, _of_classes(root, folder, own, classes)))
    return _listing(root, classes, sections)


def _listing(root: Path, classes: Sequence[str], sections: Sequence[tuple[str, list[Picture]]]) -> Listing:
    if len(classes) < 2:
        raise InputError(f"{root}: must hold a folder for each of at least 2 classes, but got {len(classes)}")
    for part, pictures in sections:
        if not pictures:
            raise InputError(f"{root}: must hold pictures to {part}, but has none ({', '.join(ENDINGS)})")
    trained = {picture.label for picture in sections[0][1]}
    for label, name in enumerate(classes):
        if label not in trained:
            raise InputError(f"{root}: the class {name!r} must have a picture to train on, but has none")
    return Listing(root, classes, [Section(part, balanced(pictures)) for part, pictures in sections])


def balanced(pictures: Sequence[Picture]) -> list[Picture]:
    """The pictures shuffled, so that for any m the first m hold every class's share, to within one picture.

    The order depends on the sorted pictures alone.
    """
    pictures = sorted(pictures)
    labels = np.array([picture.label for picture in pictures], np.int64)
    keys = random_words(len(pictures), ORDER_SEED)
    place = np.empty(len(pictures))
    order = np.lexsort((keys, labels))
    counts = np.bincount(labels)
    ranks = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    place[order] = (2 * ranks + 1) / np.repeat(counts, counts)
    return [pictures[row] for row in np.lexsort((labels, place))]


def _folders(folder: Path) -> list[str]:
    """The names of the folders in a folder, sorted; InputError where it cannot be read."""
    try:
        return sorted(one.name for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
    except OSError as exc:
        raise InputError(f"{folder}: must be a folder of pictures that can be read, but: {exc.strerror}") from exc


def _of_classes(root: Path, folder: Path, names: Sequence[str], classes: Sequence[str]) -> list[Picture]:
    """The pictures of each class, with those in folders within the class's; InputError where one cannot be read."""
    inside = folder.relative_to(root)
    try:
        return [one for name in names for one in _below(folder / name, (inside / name).as_posix(), classes.index(name))]
    except OSError as exc:
        raise InputError(f"{exc.filename}: must be a file or a folder that can be read, but: {exc.strerror}") from exc


def _below(folder: Path, inside: str, label: int) -> Iterator[Picture]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path = f"{inside}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from _below(folder / entry.name, path, label)
            elif entry.name.lower().endswith(ENDINGS):
                told = entry.stat()
                yield Picture(path, label, told.st_size, told.st_mtime_ns)
