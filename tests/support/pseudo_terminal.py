"""What was written to a pseudo-terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator


def pieces(main: int) -> Iterator[bytes]:
    """What is written to the other side, piece by piece, until nobody has that side open any more."""
    while True:
        try:
            some = os.read(main, 1 << 16)
        except OSError:  # the last one who had it open has left
            return
        if not some:
            return
        yield some


def written(main: int) -> str:
    """All that was written to the other side, which everybody has closed; one read gives 4 kB of it at most."""
    found = b"".join(pieces(main))
    os.close(main)
    return found.decode()
