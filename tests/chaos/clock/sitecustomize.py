"""A clock that jumps: Python's `time.time` in a process that finds this file, by as many seconds as a file says."""

import os
import time
from pathlib import Path

_REAL = time.time


def _jumped() -> float:
    try:
        return _REAL() + float(Path(os.environ["SLALOM_CHAOS_CLOCK"]).read_text())
    except (OSError, KeyError, ValueError):
        return _REAL()


time.time = _jumped
