"""Ctrl-C and SIGTERM: a command stops where nothing is left half done."""

from __future__ import annotations

import logging
import signal
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

T = TypeVar("T")

ONCE_MORE_SECONDS = 0.01

LOCKED = ("<frozen importlib", logging.__file__, weakref.__file__)
"""Code that holds locks which other threads need too, or is called where no exception gets out."""


class Stop:
    """Raises KeyboardInterrupt where it does no harm, when the process is told to stop.

    Raised just anywhere, it can get lost, or leave a module half made, or leave the lock of an import or of the logging
    held: then the thread that records, which imports and logs as well, waits for ever. So a run that is told to stop
    does so between two turns of its loop; told again, or elsewhere, as soon as it has left such code.
    """

    def __init__(self) -> None:
        self._told = 0
        self._turning = False

    def listen(self) -> None:
        """Have SIGTERM stop the command as Ctrl-C does, and Ctrl-C only where it is not ignored, as behind `nohup`."""
        signal.signal(signal.SIGTERM, self._hear)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._hear)

    @contextmanager
    def between_turns(self, watch: Callable[[T], None]) -> Iterator[Callable[[T], None]]:
        """What a loop calls after each turn: `watch`, and then it stops, if it was told to."""

        def turn(seen: T) -> None:
            watch(seen)
            self._turning = True
            if self._told:
                raise KeyboardInterrupt

        try:
            yield turn
        finally:
            self._turning = False

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self._told += number != signal.SIGALRM
        if self._turning and self._told == 1:
            return
        while frame is not None:
            if frame.f_code.co_filename.startswith(LOCKED):
                signal.signal(signal.SIGALRM, self._hear)
                signal.setitimer(signal.ITIMER_REAL, ONCE_MORE_SECONDS)
                return
            frame = frame.f_back
        raise KeyboardInterrupt
