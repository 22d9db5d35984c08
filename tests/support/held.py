"""Studies that last as long as their test wants, and cost no processor meanwhile: a metric of theirs waits."""

from __future__ import annotations

from pathlib import Path

SOURCE = '''
import time
from pathlib import Path

from slalom_worker.metrics import Metric


def waited_for(labels, said, weights):
    """The error, after a while, until the file is there that lets trials go."""
    if not Path({path!r}).exists():
        time.sleep({seconds!r})
    return float((said.argmax(1) != labels).mean())


Held = Metric(waited_for, "minimize", of="classes", worst=1.0)
'''


class Hold:
    """On trials whose study records `metric`: each time that one is measured, it waits for so many seconds."""

    def __init__(self, folder: Path, seconds: float, file: str = "held.py"):
        """folder: where the study's file is; the metric is added to `file` there."""
        self._path = folder.parent / f"{folder.name}-let-go"
        self.metric = {"name": "error", "record": [f"{file}:Held"]}
        with (folder / file).open("a") as source:
            source.write(SOURCE.format(path=str(self._path), seconds=seconds))

    def let_go(self):
        """From now on nothing waits, in whatever process."""
        self._path.touch()
