"""Decoded pictures in a file, made once and mapped into the memory of every process that trains on them.

The folder of a cache has the file, a record of each piece that is done, and `whole.json` once all are. Whoever needs
the pictures decodes pieces that nobody has decoded or is at: in a folder that several machines share, each machine
that needs them decodes a part. On one machine one process at a time decodes, by a process for each processor. A process
that dies leaves its pieces to others. What is done is on the disk before its record is.
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
    """What is known of all pictures of a cache.

    digest: of their bytes, as hexadecimal text
    refused: the paths of those that cannot be decoded, each with the reason; with any, there is no file
    """

    digest: str
    refused: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class PictureCache:
    """The cache of some pictures.

    folder: of this cache alone
    root, paths: where the pictures are, in their order
    size: pixels of a decoded picture's side
    """

    folder: Path
    root: Path
    paths: Sequence[str]
    size: int

    def whole(self) -> Whole:
        """Decode what is not decoded yet, wait for what others are at, and tell of all of them.

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
        """The pictures [n, 3, size, size], read-only; what is looked at is read from the file, and forgotten again."""
        shape = (len(self.paths), CHANNELS, self.size, self.size)
        found: NDArray[np.uint8] = np.memmap(self.folder / BYTES, np.uint8, "r", shape=shape)
        return found

    @property
    def nbytes(self) -> int:
        """The size of the file."""
        return len(self.paths) * CHANNELS * self.size**2

    def _known(self) -> Whole | None:
        """What is known where all is done and the file is as large as it must be."""
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
        """Make the file with its size; whatever else is there by that name was cut, and its records with it."""
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
        """Decode a piece that is not done.

        later: takes the piece's number where another machine is at it; None to wait for that machine
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
    """Claim a piece against other machines, until its claim is given back or this process ends."""
    try:
        fcntl.lockf(claims, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), 1, number)
    except (BlockingIOError, PermissionError):
        return False
    return True


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other process holds the file, and hold it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _store(path: Path, content: Any) -> None:
    """Write a JSON file in one step."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
