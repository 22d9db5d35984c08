"""Jobs that one thread does later, in order, so that whoever hands a job over does not wait for it.

A job that fails for a while, as where a server is restarted, is tried again; the jobs after it wait.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Generic, TypeVar

from slalom.errors import Infrastructure

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
R = TypeVar("R")

RETRY_SECONDS = 2.0
"""The time between two attempts at a job that fails for a while."""

ROOM = 1000
"""The most jobs that may wait; `add` waits while there are so many."""


@dataclass(frozen=True)
class Patience:
    """Which exceptions of a job may pass, and how long the job is tried again.

    passing: whether an exception may be gone a little later; the job can then be done again from its start
    limit: seconds after which a passing exception is raised nevertheless
    began, over: called with the first passing exception of a job, and with the seconds after which the job was done
    """

    passing: Callable[[Exception], bool]
    limit: float
    began: Callable[[Exception], None]
    over: Callable[[float], None]


IMPATIENT = Patience(lambda _: False, 0.0, lambda _: None, lambda _: None)
"""Every exception is a failure."""


def patiently(work: Callable[[], R], patience: Patience) -> R:
    """Do the work, again and again while its exceptions may pass; returns what it returns, or raises the last one."""
    began: float | None = None
    while True:
        try:
            found = work()
        except Exception as exc:
            if not patience.passing(exc):
                raise
            if began is None:
                began = time.monotonic()
                patience.began(exc)
            if time.monotonic() - began >= patience.limit:
                raise
            time.sleep(RETRY_SECONDS)
        else:
            if began is not None:
                patience.over(time.monotonic() - began)
            return found


class WriteBehind(Generic[T]):
    """A thread that makes a target and then does jobs on it, in the order in which they were added.

    make: makes the target, in the thread
    finish: called with the target after the last job, if no job failed
    blame: turns an exception of `make`, of a job or of `finish` into the message of the Infrastructure that is raised
    patience: which of these exceptions are no failure yet

    One thread alone may call `add` and `close`. Once something has failed, the jobs that wait are dropped, and every
    later call raises Infrastructure.
    """

    def __init__(
        self,
        make: Callable[[], T],
        finish: Callable[[T], None],
        blame: Callable[[BaseException], str],
        patience: Patience = IMPATIENT,
    ) -> None:
        self._patience = patience
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
            target = patiently(make, self._patience)
            while (job := self._jobs.get()) is not None:
                patiently(partial(job, target), self._patience)
            patiently(partial(finish, target), self._patience)
        except BaseException as exc:  # noqa: BLE001 (whatever it is, `add` and `close` raise it)
            self._failure = exc
            # an `add` that waits for room goes on; the call after it raises the failure
            with self._jobs.mutex:
                self._jobs.queue.clear()
                self._jobs.not_full.notify_all()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise Infrastructure(self._blame(self._failure)) from self._failure
