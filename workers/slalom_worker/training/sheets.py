"""Small pictures side by side in a PNG file, written without a library."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

GAP = 2
"""White pixels around every tile."""

WHITE = 255


def signed(values: NDArray[np.float64]) -> Pixels:
    """Values [...] as grey levels on one scale: 0 is grey, the largest magnitude white or black."""
    largest = float(np.abs(values).max(initial=0.0))
    return _levels(values / largest if largest > 0 else values * 0.0)


def stretched(values: NDArray[np.float64]) -> Pixels:
    """Values [...] as grey levels: the least is black and the largest white."""
    low, high = float(values.min()), float(values.max())
    return _levels(2 * (values - low) / (high - low) - 1 if high > low else values * 0.0)


def _levels(values: NDArray[np.float64]) -> Pixels:
    return np.rint(127.5 * (1 + values)).astype(np.uint8)


def sheet(rows: Sequence[Sequence[Pixels]], side: int) -> bytes:
    """Tiles in rows as a PNG file.

    rows: tiles [h, w] in grey or [h, w, 3] in red, green and blue, the same number in every row
    side: least pixels of a tile's longer side; a smaller tile is enlarged by a whole factor, and centred in its place
    """
    large = [[_enlarged(tile, side) for tile in row] for row in rows]
    height, width = (max(tile.shape[axis] for row in large for tile in row) + GAP for axis in (0, 1))
    page = np.full((len(large) * height + GAP, len(large[0]) * width + GAP, 3), WHITE, np.uint8)
    for down, row in enumerate(large):
        for right, tile in enumerate(row):
            top = GAP + down * height + (height - GAP - tile.shape[0]) // 2
            left = GAP + right * width + (width - GAP - tile.shape[1]) // 2
            page[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return png(page)


def _enlarged(tile: Pixels, side: int) -> Pixels:
    colour = tile if tile.ndim == 3 else np.repeat(tile[..., None], 3, axis=2)
    factor = max(1, -(-side // max(tile.shape[:2])))
    return colour.repeat(factor, axis=0).repeat(factor, axis=1)


def png(pixels: Pixels) -> bytes:
    """Pixels [height, width, 3] as a PNG file (ISO/IEC 15948), eight bits a colour and without interlacing."""
    height, width, _ = pixels.shape
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)  # each begins with the number of its filter: none
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(lines, 9)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
