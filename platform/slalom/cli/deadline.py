"""The end of a process that was told to stop and does not, whatever it waits for."""

from __future__ import annotations

import os
import select
import threading
import time

from slalom.errors import Interrupted

TOLD, OVER = b"t", b"o"

STANDARD_ERROR = 2

LAST_WORDS = b"slalom: stopped; what had ended is kept; the same command goes on\n"

SHOW_CURSOR = b"\x1b[?25h"
"""The escape sequence that shows the cursor, which a live table hides."""


class Deadline:
    """Ends the process a while after `told`, with the exit code of an interruption, unless `over` is called before.

    Both may be called by a handler of signals: they take no lock, which the thread that is interrupted could hold.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._reader, self._writer = os.pipe()
        threading.Thread(target=self._watch, name="slalom-deadline", daemon=True).start()

    def told(self) -> None:
        """Start the time; a second call changes nothing."""
        os.write(self._writer, TOLD)

    def over(self) -> None:
        """Cancel the end: what was told to stop has stopped. Neither method may be called after this one."""
        os.write(self._writer, OVER)

    def _watch(self) -> None:
        if os.read(self._reader, 1) == TOLD:
            end = time.monotonic() + self._seconds
            while True:
                if not select.select([self._reader], [], [], max(0.0, end - time.monotonic()))[0]:
                    # nothing is flushed or closed, since whoever holds the lock for it may hang
                    os.write(STANDARD_ERROR, (SHOW_CURSOR if os.isatty(STANDARD_ERROR) else b"") + LAST_WORDS)
                    os._exit(Interrupted.exit_code)
                if os.read(self._reader, 1) == OVER:
                    break
        os.close(self._reader)
        os.close(self._writer)
