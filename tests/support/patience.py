"""How long tests wait: by what comes on, and by what a busy machine has to give, not by the clock on the wall."""

from __future__ import annotations

import os
import time
from pathlib import Path

LOAD = Path("/proc/loadavg")


SLOWEST = 3
"""How much slower than the machine for which seconds were chosen a machine may be."""


class Patience:
    """Lasts so many seconds in which nothing came on, and longer on a machine on which processes wait for their turn.

    The seconds are those of a machine SLOWEST times as slow as the one for which they were chosen, and each counts as
    much as a process that would run gets of a processor.
    """

    def __init__(self, seconds, progress=lambda: None):
        """progress: something that is other whenever a bit more is done."""
        self.seconds, self.progress = seconds, progress
        self.came_to, self.counted, self.looked = progress(), 0.0, time.monotonic()

    @property
    def over(self):
        now, came_to = time.monotonic(), self.progress()
        self.counted = self.counted + (now - self.looked) * share() if came_to == self.came_to else 0.0
        self.looked, self.came_to = now, came_to
        return self.counted > SLOWEST * self.seconds


def share():
    """What a process gets of a processor now, 1 at most."""
    if not LOAD.exists():
        return 1.0
    wanting = int(LOAD.read_text().split()[3].partition("/")[0])
    return min(1.0, (os.cpu_count() or 1) / max(1, wanting))


def written(folder):
    """Bytes that lie below a folder: a run's log and tables grow as it comes on."""
    total = 0
    for file in Path(folder).rglob("*"):
        try:
            total += file.stat().st_size
        except OSError:  # it was there a moment ago
            continue
    return total
