"""A store of trials that survives an outage: trials that cannot be written wait in a file of the home until they can.

A database that is restarted, or cannot be reached for a while, does not end a study: training goes on, since proposals
follow from what the loop holds in memory. Trials that end meanwhile are kept in the home, so that they survive the
death of the run too: the next run of the study writes them before it begins.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from slalom.errors import Infrastructure, Outage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from slalom.search.base import TrialStore
    from slalom.wire.trial import Ended, TrialId

RETRY_SECONDS = 2.0
"""The least time between two attempts to write during an outage."""


class Outbox(Protocol):
    """Trials that wait to be written, on this machine's disk: a later process finds what `add` has kept."""

    @property
    def place(self) -> str:
        """Where the trials are kept, for messages."""
        ...

    def ended(self) -> Sequence[Ended]:
        """The trials that wait; empty where there is no file."""
        ...

    def add(self, ended: Sequence[Ended]) -> None:
        """Keep further trials; Infrastructure where the disk does not take them."""
        ...

    def clear(self) -> None:
        """Forget all trials, once the study's store has them."""
        ...


class PatientStore:
    """A `TrialStore` whose `add` and `note` return during an outage, and write later.

    store: the study's store; an Outage that it raises begins an outage, any other Infrastructure is passed on
    limit: seconds after which an outage is raised as Infrastructure
    tell: takes a line for people, when an outage begins and when it is over
    """

    def __init__(
        self,
        store: TrialStore,
        outbox: Outbox,
        limit: float,
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._limit = limit
        self._tell = tell
        self._clock = clock
        self._notes: dict[str, Any] = {}
        self._began: float | None = None
        self._tried = 0.0

    @contextmanager
    def held(self, home: str) -> Iterator[None]:
        """See `TrialStore`; trials that an earlier run left in the outbox are written first."""
        with self._store.held(home):
            self._deliver()
            yield

    def ended(self, mark: str | None = None) -> dict[TrialId, Ended]:
        """See `TrialStore`; during an outage only the trials in the outbox, and none of a namesake."""
        try:
            return self._store.ended(mark)
        except Outage as exc:
            self._begin(exc)
            return {} if mark else {ended.spec.id: ended for ended in self._outbox.ended()}

    def notes(self) -> Mapping[str, Any]:
        """See `TrialStore`; Infrastructure where the storage does not answer."""
        return self._store.notes()

    def namesakes(self) -> Mapping[str, Mapping[str, Any]]:
        """See `TrialStore`; Infrastructure where the storage does not answer."""
        return self._store.namesakes()

    def add(self, ended: Sequence[Ended]) -> None:
        """See `TrialStore`; Infrastructure where an outage lasts longer than the limit."""
        if self._began is None:
            try:
                self._store.add(ended)
            except Outage as exc:
                self._begin(exc)
            else:
                return
        if ended:
            self._outbox.add(ended)
        self._retry()

    def note(self, name: str, value: Any) -> None:
        """See `TrialStore`."""
        if self._began is None:
            try:
                self._store.note(name, value)
            except Outage as exc:
                self._begin(exc)
            else:
                return
        self._notes[name] = value

    def settle(self, wait: Callable[[float], None] = time.sleep) -> None:
        """Return when nothing waits to be written; Infrastructure where an outage lasts longer than the limit."""
        while self._began is not None:
            self._retry()
            if self._began is not None:
                wait(RETRY_SECONDS / 4)

    def settled(self, wait: Callable[[float], None] = time.sleep) -> dict[TrialId, Ended]:
        """All trials, read while nothing waits to be written; Infrastructure where an outage lasts too long."""
        while True:
            self.settle(wait)
            ended = self.ended()
            if self._began is None:  # else the outage began with this very call, and these are not all
                return ended

    def _begin(self, outage: Outage) -> None:
        if self._began is None:
            self._began = self._tried = self._clock()
            self._tell(f"{outage}; training goes on, and what ends waits in {self._outbox.place}")

    def _retry(self) -> None:
        """Write what waits, unless the last attempt was within RETRY_SECONDS; success ends the outage."""
        now = self._clock()
        if self._began is None or now - self._tried < RETRY_SECONDS:
            return
        self._tried = now
        try:
            written = self._deliver()
            for name, value in self._notes.items():
                self._store.note(name, value)
        except Outage as exc:
            if now - self._began > self._limit:
                raise Infrastructure(
                    f"{exc}; given up after {now - self._began:.0f} s: what had ended waits in {self._outbox.place}, "
                    "and the same command writes it and goes on"
                ) from exc
            return
        self._notes.clear()
        lasted, self._began = self._clock() - self._began, None
        self._tell(f"the storage answers again after {lasted:.0f} s; trials that had ended and are written: {written}")

    def _deliver(self) -> int:
        """Write the trials that wait and give their number; those are left out whose write succeeded unanswered."""
        waiting = self._outbox.ended()
        if waiting:
            known = self._store.ended()
            self._store.add([ended for ended in waiting if ended.spec.id not in known])
            self._outbox.clear()
        return len(waiting)
