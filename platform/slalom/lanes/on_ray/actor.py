"""The Ray actor of a lane: the worker in a process of its own."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.lanes.on_ray.broadcast import take

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from slalom.lanes.base import Worker
    from slalom.wire.trial import Reply, Turn


ASIDE = "aside"
"""The concurrency group of calls that Ray answers while a turn goes on: Ray gives each group a thread of its own."""

PACKAGES = "site-packages"


class LaneActor:
    """Makes a lane's worker in the actor's process and passes turns on to it.

    Ray calls it, one call at a time, always in the same thread; `progress` alone it calls from another one.
    """

    def __init__(self, factory: Callable[..., Worker], shared: Sequence[Any]) -> None:
        """Make an actor without a worker yet.

        factory: makes the worker; called with what `shared` refers to
        shared: a list of one reference to the task's data, or of none
        Ray hands on a reference within a list as it is. The object of a reference that is an argument itself would have
        to be on the node before the actor starts, and nobody would be told where it does not get there.
        """
        self._factory = factory
        self._shared = shared
        self._worker: Worker | None = None
        self._thread = 0

    def open(self) -> tuple[str, str]:
        """Make the worker, in place of one that was there; returns the id of the actor's node, and its kind of device.

        Raises what the factory raises, and Infrastructure where the task's data do not reach the node.
        """
        import ray

        worker = self._factory(*take(self._shared))
        self._worker = worker
        return str(ray.get_runtime_context().get_node_id()), worker.device_name

    def turn(self, turn: Turn) -> Reply | str:
        """Return the worker's reply, or a text that says why the worker is gone.

        After an exception the worker is dropped, and every later turn returns such a text until `open` is called. The
        reason is a text because the driver may not have the class of a user's exception.
        """
        if self._worker is None:
            return "its worker is gone"
        self._thread = threading.get_ident()
        try:
            return self._worker.turn(turn)
        except Exception as exc:  # noqa: BLE001 (a user's model may raise anything; the loop is told)
            self._worker = None
            return f"{type(exc).__name__}: {exc}"

    def progress(self) -> tuple[tuple[int, ...], str]:
        """How far the worker has come within its turn, and the line that the turn is at, such as "task.py:12"."""
        worker, frame = self._worker, sys._current_frames().get(self._thread)
        return () if worker is None else worker.progress, "" if frame is None else _place(frame)


def _place(frame: FrameType) -> str:
    """The innermost line of a file below the working folder, where the user's files are; else the innermost of all."""
    innermost, here = frame, str(Path.cwd())
    found: FrameType | None = frame
    while found is not None:
        file = found.f_code.co_filename
        if file.startswith(here) and PACKAGES not in file:
            return f"{Path(file).name}:{found.f_lineno}"
        found = found.f_back
    return f"{Path(innermost.f_code.co_filename).name}:{innermost.f_lineno}"
