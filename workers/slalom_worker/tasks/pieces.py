"""The requests to a process that decodes pictures, and its answers; each is sent as a line of JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANNELS = 3


@dataclass(frozen=True)
class Piece:
    """Pictures to be decoded to consecutive places in a file of bytes.

    file: the file, which has its full size already
    first: the first picture's place in the file, counted in pictures
    size: pixels of a picture's side in the file
    root, paths: the folder of the pictures to be decoded, and their paths within it
    """

    file: str
    first: int
    size: int
    root: str
    paths: Sequence[str]


@dataclass(frozen=True)
class Answer:
    """The outcome of a piece.

    digest: SHA-256 of the piece's bytes, as hexadecimal text
    refused: the number within the piece, from 0, of each picture that cannot be decoded, with the reason
    failed: what could not be read or written, and why, or ""
    """

    digest: str = ""
    refused: Sequence[tuple[int, str]] = ()
    failed: str = ""
