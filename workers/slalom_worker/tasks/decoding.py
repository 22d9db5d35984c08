"""Decodes pictures into a file of bytes, as a process of its own: `python -m slalom_worker.tasks.decoding`.

Each line of standard input is a piece of work, and is answered by a line of standard output. Only one picture is in
memory at a time. The process ends when its input ends, as it does when the parent process is gone.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import warnings
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from slalom.errors import Infrastructure
from slalom_worker.tasks.pieces import CHANNELS, Answer, Piece

if TYPE_CHECKING:
    from numpy.typing import NDArray


def decode(path: Path, size: int) -> NDArray[np.uint8]:
    """The largest square in the middle of a file's picture, resized to bytes [3, size, size] of red, green and blue.

    Raises what Pillow raises where the picture cannot be decoded, and Infrastructure where the file cannot be read or
    memory is short, which may pass.
    """
    try:
        content = path.read_bytes()  # apart from decoding, whose errors are also OSErrors
    except OSError as exc:
        raise Infrastructure(f"{path} cannot be read: {exc}; try again when it can") from exc
    try:
        with Image.open(BytesIO(content)) as opened:
            picture = opened.convert("RGB")
        side = min(picture.size)
        left, top = ((length - side) / 2 for length in picture.size)
        # the square alone is resized, so that a long and thin picture takes no more memory than another
        box = (left, top, left + side, top + side)
        square = picture.resize((size, size), Image.Resampling.BILINEAR, box=box)
    except MemoryError as exc:
        raise Infrastructure(f"{path} cannot be decoded for want of memory; try again with more") from exc
    return np.ascontiguousarray(np.asarray(square).transpose(2, 0, 1))


def decode_piece(piece: Piece) -> Answer:
    """Decode a piece's pictures into their places in the file; a picture that cannot be decoded is stored as black.

    Raises OSError where the file cannot be written, and Infrastructure as `decode` does.
    """
    sha, refused = hashlib.sha256(), []
    black = np.zeros((CHANNELS, piece.size, piece.size), np.uint8)
    handle = os.open(piece.file, os.O_WRONLY)
    try:
        for number, path in enumerate(piece.paths):
            try:
                picture = decode(Path(piece.root, path), piece.size)
            except Infrastructure:
                raise
            except Exception as exc:  # noqa: BLE001 (a broken file may raise anything; whoever asked is told)
                picture = black
                refused.append((number, f"{type(exc).__name__}: {exc}"))
            sha.update(picture.data)
            _write(handle, picture, (piece.first + number) * picture.nbytes)
        os.fsync(handle)
    finally:
        os.close(handle)
    return Answer(sha.hexdigest(), refused)


def _write(handle: int, picture: NDArray[np.uint8], place: int) -> None:
    rest = picture.data.cast("B")
    while rest:
        written = os.pwrite(handle, rest, place)
        rest, place = rest[written:], place + written


def main() -> None:
    """Answer each line of standard input."""
    warnings.simplefilter("ignore")  # Pillow warns of other contents of a file, such as its thumbnail
    for line in sys.stdin:
        piece = Piece(**json.loads(line))
        try:
            answer = decode_piece(piece)
        except Infrastructure as exc:
            answer = Answer(failed=str(exc))
        except OSError as exc:
            answer = Answer(failed=f"{piece.file} cannot be written: {exc}")
        sys.stdout.write(json.dumps(asdict(answer)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
