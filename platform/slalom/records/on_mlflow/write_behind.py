"""Jobs that one thread does later, in order, so that whoever hands a job over does not wait for it."""

from __future__ import annotations

from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Generic, TypeVar

from slalom.errors import Infrastructure

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

ROOM = 1000
"""The most jobs that may wait; `add` waits while there are so many."""


class WriteBehind(Generic[T]):
    """A thread that makes a target and then does jobs on it, in the order in which they were added.

    make: makes the target, in the thread
    finish: called with the target after the last job, if no job failed
    blame: turns an exception of `make`, of a job or of `finish` into the message of the Infrastructure that is raised

    One thread alone may call `add` and `close`. Once something has failed, the jobs that wait are dropped, and every
    later call raises Infrastructure.
    """

    def __init__(
        self, make: Callable[[], T], finish: Callable[[T], None], blame: Callable[[BaseException], str]
    ) -> None:
        self._jobs: Queue[Callable[[T], None] | None] = Queue(ROOM)
        self._blame = blame
        self._failure: BaseException | None = None
        self._closed = False
        # a process that ends without `close` must not hang: what is not written then is lost, as in a crash
        self._thread = Thread(target=self._work, args=(make, finish), name="slalom-records", daemon=True)
        self._thread.start()

    def add(self, job: Callable[[T], None]) -> None:
        """Queue a job; waits while ROOM jobs wait. Raises Infrastructure where an earlier job has failed."""
        self._raise_failure()
        self._jobs.put(job)

    def close(self) -> None:
        """Wait until all jobs are done; raises Infrastructure where one has failed. A second call does nothing."""
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
        except BaseException as exc:  # noqa: BLE001 (whatever it is, `add` and `close` raise it)
            self._failure = exc
            # an `add` that waits for room goes on; the call after it raises the failure
            with self._jobs.mutex:
                self._jobs.queue.clear()
                self._jobs.not_full.notify_all()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise Infrastructure(self._blame(self._failure)) from self._failure
