"""What a process that decodes pictures is asked, and what it answers; each travels as a line of JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANNELS = 3


@dataclass(frozen=True)
class Piece:
    """Pictures that follow one another in a file of bytes.

    file: the file, as large as it will be
    first: the number of the first picture in the file
    size: pixels of a picture's side in the file
    root, paths: where the pictures to be decoded are
    """

    file: str
    first: int
    size: int
    root: str
    paths: Sequence[str]


@dataclass(frozen=True)
class Answer:
    """What came of a piece.

    digest: SHA-256 of the piece's bytes, as hexadecimal text
    refused: the number within the piece, from 0, of each picture that cannot be decoded, with the reason
    failed: why the bytes could not be written, or ""
    """

    digest: str = ""
    refused: Sequence[tuple[int, str]] = ()
    failed: str = ""
