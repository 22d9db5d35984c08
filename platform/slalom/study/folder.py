"""The folder of a study with files of the user's own, which travels to the nodes with the modules and data in it."""

from __future__ import annotations

import os
import shutil
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from slalom.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_BYTES = 32 << 20
"""The most bytes of a folder's files together: they cross the network to every node, and lie in a note."""

MOST_FILES = 2000

DATABASES = ("optuna.db", "mlflow.db")
"""A home's databases. Homes do not travel, nor do hidden files, virtual environments and caches."""

LOCK = "lock"
"""An empty file by which every home is known, also one whose databases are servers'."""

OF_HOMES = ("optuna.db*", "mlflow.db*", "outbox-*.db*", LOCK, "artifacts", "checkpoints", "jobs", "logs", "ui.log")
"""Patterns of the names in a home. Where the study's folder is one itself, all else in it travels."""


def travelling(folder: Path) -> tuple[Path, ...]:
    """The files that travel, relative to the folder and sorted; InputError where they are too many or too large."""
    files: list[Path] = []
    size = 0
    for file in _files(folder):
        files.append(file)
        size += (folder / file).stat().st_size
        if size > LARGEST_BYTES or len(files) > MOST_FILES:
            largest = max(files, key=lambda one: (folder / one).stat().st_size)
            raise InputError(
                f"the study's folder travels to the nodes, and must hold at most {LARGEST_BYTES >> 20} MiB in "
                f"{MOST_FILES} files, but {folder} holds more (such as {largest}): give the study and its files a "
                "folder of their own, and have larger data read from a place that all nodes reach"
            )
    return tuple(sorted(files))


def copy(folder: Path, target: Path) -> None:
    """Copy the files that travel to another folder; InputError as for `travelling`."""
    for file in travelling(folder):
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / file, target / file)


def _files(folder: Path) -> Iterator[Path]:
    for top, folders, names in os.walk(folder):
        place = Path(top)
        home = any(name in names for name in DATABASES) or _is_lock(place / LOCK)
        if place != folder and (home or "pyvenv.cfg" in names):
            folders.clear()
            continue
        folders[:] = [name for name in folders if not _stays(name, home=home)]
        for name in names:
            if not _stays(name, home=home) and (place / name).is_file():
                yield (place / name).relative_to(folder)


def _stays(name: str, *, home: bool) -> bool:
    if home and any(fnmatchcase(name, pattern) for pattern in OF_HOMES):
        return True
    return name.startswith(".") or name == "__pycache__"


def _is_lock(file: Path) -> bool:
    return file.is_file() and file.stat().st_size == 0
