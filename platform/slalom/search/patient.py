"""A store of trials that stands an outage: what cannot be written waits in a file of the home, and is written later.

A database that is restarted, or cannot be reached for a while, does not end a study: trials are trained on, since
proposals follow from what the loop knows by itself. What ends meanwhile is kept in a store of the home's own, so that
the death of the run loses nothing either: the next run of the study writes it before it begins.
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
"""The time between two attempts to write during an outage."""


class Outbox(Protocol):
    """Trials that wait, on this machine's disk; the next process finds what `add` has kept."""

    @property
    def place(self) -> str:
        """Where they are kept, for people."""
        ...

    def ended(self) -> Sequence[Ended]:
        """The trials that wait; none where there is no file."""
        ...

    def add(self, ended: Sequence[Ended]) -> None:
        """Keep further trials; Infrastructure where the disk does not take them."""
        ...

    def clear(self) -> None:
        """Forget them all, since they are where they belong."""
        ...


class PatientStore:
    """A `TrialStore` whose `add` and `note` return during an outage, and write later.

    store: the study's; its Outage begins an outage, any other Infrastructure is raised as it comes
    limit: seconds after which an outage is given up, and raised as Infrastructure
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
        """See `TrialStore`; what an earlier run left in the outbox is written first."""
        with self._store.held(home):
            self._deliver()
            yield

    def ended(self, mark: str | None = None) -> dict[TrialId, Ended]:
        """See `TrialStore`; during an outage only the trials that wait are known, and none of a namesake."""
        try:
            return self._store.ended(mark)
        except Outage as exc:
            self._begin(exc)
            return {} if mark else {ended.spec.id: ended for ended in self._outbox.ended()}

    def notes(self) -> Mapping[str, Any]:
        """All that was noted; Infrastructure where the storage does not answer."""
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
        """Return when nothing waits any more; Infrastructure where an outage lasts longer than the limit."""
        while self._began is not None:
            self._retry()
            if self._began is not None:
                wait(RETRY_SECONDS / 4)

    def _begin(self, outage: Outage) -> None:
        if self._began is None:
            self._began = self._tried = self._clock()
            self._tell(f"{outage}; training goes on, and what ends waits in {self._outbox.place}")

    def _retry(self) -> None:
        """Try to write what waits, if it is time to; the outage is over where that succeeds."""
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
        """Write the trials that wait, each once: an outage may have begun when all was written but for the answer."""
        waiting = self._outbox.ended()
        if waiting:
            known = self._store.ended()
            self._store.add([ended for ended in waiting if ended.spec.id not in known])
            self._outbox.clear()
        return len(waiting)
