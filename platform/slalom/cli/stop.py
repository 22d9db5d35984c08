"""Ctrl-C and SIGTERM: a command stops where nothing is left half done."""

from __future__ import annotations

import logging
import signal
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from slalom.cli.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

T = TypeVar("T")

ONCE_MORE_SECONDS = 0.01

TURN_SECONDS = 2.0
"""The time in which a loop that was told to stop must end its turn; after it the loop is stopped within the turn."""

LAST_SECONDS = 9.5
"""The time in which a loop that was told to stop must have written all and closed all; after it the process ends."""


LOCKED = ("<frozen importlib", logging.__file__, weakref.__file__)
"""The beginnings of the files of code that holds locks other threads need, or is called where no exception gets out."""


class Stop:
    """Raises KeyboardInterrupt where it does no harm, when the process is told to stop.

    Raised just anywhere, the exception can get lost, or leave a module half made, or leave the lock of an import or of
    the logging held: then the thread that records, which imports and logs as well, waits for ever. So a run that is
    told to stop does so between two turns of its loop; told again, or outside the loop, or where the turn takes longer
    than TURN_SECONDS, as soon as it has left such code. A run that has not ended after LAST_SECONDS, whatever it waits
    for, is ended then.
    """

    def __init__(self) -> None:
        self._told = 0
        self._turning = False
        self._deadline: Deadline | None = None

    def listen(self) -> None:
        """Have SIGTERM stop the command as Ctrl-C does, and Ctrl-C only where it is not ignored, as behind `nohup`."""
        signal.signal(signal.SIGTERM, self._hear)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._hear)

    @contextmanager
    def between_turns(
        self, watch: Callable[[T], None], last_seconds: float | None = LAST_SECONDS
    ) -> Iterator[Callable[[T], None]]:
        """A context that gives what a loop calls after each turn: `watch`, then KeyboardInterrupt if told to stop.

        last_seconds: the time in which the loop must have stopped once it is told to; None for no limit
        """

        def turn(seen: T) -> None:
            watch(seen)
            self._turning = True
            if self._told:
                signal.setitimer(signal.ITIMER_REAL, 0)
                raise KeyboardInterrupt

        deadline = self._deadline = None if last_seconds is None else Deadline(last_seconds)
        try:
            yield turn
        finally:
            self._turning, self._deadline = False, None
            if deadline is not None:
                deadline.over()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self._told += number != signal.SIGALRM
        if self._deadline is not None:
            self._deadline.told()
        if self._turning and self._told == 1 and number != signal.SIGALRM:
            if self._deadline is not None:
                signal.signal(signal.SIGALRM, self._hear)
                signal.setitimer(signal.ITIMER_REAL, TURN_SECONDS)
            return
        while frame is not None:
            if frame.f_code.co_filename.startswith(LOCKED):
                signal.signal(signal.SIGALRM, self._hear)
                signal.setitimer(signal.ITIMER_REAL, ONCE_MORE_SECONDS)
                return
            frame = frame.f_back
        raise KeyboardInterrupt
