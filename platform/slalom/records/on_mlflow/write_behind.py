"""Work that is done later, in order, by one thread, so that who hands it over is not kept waiting."""

from __future__ import annotations

from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Generic, TypeVar

from slalom.errors import Infrastructure

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

ROOM = 1000
"""Jobs that may wait; who gives one more does."""


class WriteBehind(Generic[T]):
    """Does jobs on a target that its thread makes first; once a job has failed, the rest are dropped.

    make: gives the target
    finish: is done on it at the end, if nothing failed
    blame: the message of the Infrastructure that an exception is turned into
    """

    def __init__(
        self, make: Callable[[], T], finish: Callable[[T], None], blame: Callable[[BaseException], str]
    ) -> None:
        self._jobs: Queue[Callable[[T], None] | None] = Queue(ROOM)
        self._blame = blame
        self._failure: BaseException | None = None
        self._closed = False
        # a process that leaves without `close` must not hang: what is unwritten is as after a crash
        self._thread = Thread(target=self._work, args=(make, finish), name="slalom-records", daemon=True)
        self._thread.start()

    def add(self, job: Callable[[T], None]) -> None:
        """Have a job done after those before it; Infrastructure if one of them has failed."""
        self._raise_failure()
        self._jobs.put(job)

    def close(self) -> None:
        """Wait for the last job; Infrastructure if one has failed. Closing again does nothing."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        self._thread.join()
        self._raise_failure()

    def _work(self, make: Callable[[], T], finish: Callable[[T], None]) -> None:
        try:
            target = make()
            while (job := self._jobs.get()) is not None:
                job(target)
            finish(target)
        except BaseException as exc:  # noqa: BLE001 (it is raised in the giver's thread, whatever it is)
            self._failure = exc
            # who waits for room gets it, and learns of the failure at the next call
            with self._jobs.mutex:
                self._jobs.queue.clear()
                self._jobs.not_full.notify_all()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise Infrastructure(self._blame(self._failure)) from self._failure
