"""Decoded pictures in a file, made once and mapped into the memory of every process that trains on them.

A cache's folder holds the file, a record of each decoded piece, and `whole.json` when all pieces are decoded. Whoever
needs the pictures decodes pieces that nobody has decoded or is decoding: machines that share the folder share the work.
On one machine one process at a time decodes, with a child for each processor. The pieces of a process that dies are
left to others. A piece's bytes are on the disk before its record.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slalom.errors import Infrastructure
from slalom_worker.tasks.decoders import with_decoders
from slalom_worker.tasks.pieces import CHANNELS, Answer, Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import IO

    from numpy.typing import NDArray

PIECE = 256
"""Pictures that one process decodes at a time."""
BYTES, WHOLE, CLAIMS, PREPARING = "pictures.bytes", "whole.json", "claims", "preparing"


@dataclass(frozen=True)
class Whole:
    """What is known of a cache when all its pictures are decoded.

    digest: SHA-256 that stands for the bytes of all pictures, as hexadecimal text
    refused: the paths of pictures that cannot be decoded, each with the reason; where there are any, there is no file
    """

    digest: str
    refused: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class PictureCache:
    """The cache of some pictures.

    folder: the cache's own folder
    root, paths: the pictures' folder, and their paths within it, in order
    size: pixels of a decoded picture's side
    """

    folder: Path
    root: Path
    paths: Sequence[str]
    size: int

    def whole(self) -> Whole:
        """Decode the pictures that are not decoded, wait for those that others decode, and return what is known of all.

        Raises Infrastructure, with what to do, where the folder cannot be used.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return self._known() or self._made()
        except OSError as exc:
            raise Infrastructure(
                f"{self.folder}: decoded pictures cannot be stored there: {exc}; set the task's option cache to a "
                "folder with room for them"
            ) from exc

    def pictures(self) -> NDArray[np.uint8]:
        """The pictures [n, 3, size, size], read-only and memory-mapped from the file."""
        shape = (len(self.paths), CHANNELS, self.size, self.size)
        found: NDArray[np.uint8] = np.memmap(self.folder / BYTES, np.uint8, "r", shape=shape)
        return found

    @property
    def nbytes(self) -> int:
        """The size of the complete file."""
        return len(self.paths) * CHANNELS * self.size**2

    def _known(self) -> Whole | None:
        """The content of `whole.json`; None where it is missing, or the file of pictures has not its full size."""
        path = self.folder / WHOLE
        if not path.is_file():
            return None
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            whole = Whole(found["digest"], [(str(one), str(reason)) for one, reason in found["refused"]])
        except (ValueError, TypeError, KeyError) as exc:
            raise Infrastructure(f"{path} is damaged: {exc}; remove its folder") from exc
        return whole if whole.refused or self._is_sized() else None

    def _is_sized(self) -> bool:
        path = self.folder / BYTES
        return path.is_file() and path.stat().st_size == self.nbytes

    def _made(self) -> Whole:
        with _alone(self.folder / f"decoding.{platform.node()}"):
            known = self._known()
            if known is not None:
                return known
            self._prepare()
            with (self.folder / CLAIMS).open("w") as claims:
                numbers = range(ceil(len(self.paths) / PIECE))
                later: list[int] = []
                with_decoders(partial(self._decode, claims, later), numbers)
                with_decoders(partial(self._decode, claims, None), later)
            return self._finish([self._answer(number) for number in numbers])

    def _prepare(self) -> None:
        """Make the file in its full size; a file of another size was cut short, so its records are removed, too."""
        with _alone(self.folder / PREPARING):
            if self._is_sized():
                return
            free = shutil.disk_usage(self.folder).free
            if free < self.nbytes:
                raise OSError(f"they take {self.nbytes / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free")
            for record in (*self.folder.glob("piece-*.json"), self.folder / WHOLE):
                record.unlink(missing_ok=True)
            with (self.folder / BYTES).open("wb") as file:
                file.truncate(self.nbytes)

    def _decode(self, claims: IO[str], later: list[int] | None, number: int, decode: Callable[[Piece], Answer]) -> None:
        """Decode a piece that is not decoded yet.

        later: gets the piece's number where another machine is decoding it; None to wait for that machine
        """
        if self._record(number).is_file():
            return
        if not _claim(claims, number, wait=later is None):
            if later is not None:
                later.append(number)
            return
        try:
            if not self._record(number).is_file():
                first = number * PIECE
                paths = list(self.paths[first : first + PIECE])
                answer = decode(Piece(str(self.folder / BYTES), first, self.size, str(self.root), paths))
                _store(self._record(number), asdict(answer))
        finally:
            fcntl.lockf(claims, fcntl.LOCK_UN, 1, number)

    def _record(self, number: int) -> Path:
        return self.folder / f"piece-{number:06}.json"

    def _answer(self, number: int) -> Answer:
        return Answer(**json.loads(self._record(number).read_text(encoding="utf-8")))

    def _finish(self, answers: Sequence[Answer]) -> Whole:
        sha = hashlib.sha256(f"{len(self.paths)} {self.size} ".encode())
        sha.update("".join(answer.digest for answer in answers).encode())
        refused = [
            (self.paths[number * PIECE + place], reason)
            for number, answer in enumerate(answers)
            for place, reason in answer.refused
        ]
        whole = Whole(sha.hexdigest(), refused)
        _store(self.folder / WHOLE, asdict(whole))
        if refused:
            (self.folder / BYTES).unlink(missing_ok=True)
        return whole


def _claim(claims: IO[str], number: int, *, wait: bool) -> bool:
    """Claim a piece against other machines, until the claim is released or this process ends; whether that worked."""
    try:
        fcntl.lockf(claims, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), 1, number)
    except (BlockingIOError, PermissionError):
        return False
    return True


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """A context that waits until no other process holds the file's lock, and holds it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _store(path: Path, content: Any) -> None:
    """Write a JSON file atomically."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
