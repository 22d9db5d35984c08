"""The lease of a study: one run at a time of each study in a storage, however many homes and machines share it.

A run that holds a study raises a count, every few seconds, in the study's row of the table of holders. Another run
takes the study over where the count stands still, and is refused where it does not; no clocks of two machines are
compared. Each transaction that writes trials or a note also checks that the run still holds the study, so that a run
that was taken for dead, but was only stopped for a while, writes no more of them.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Column, Float, Integer, MetaData, String, Table, Text, delete, insert, inspect, select, update
from sqlalchemy.exc import DatabaseError, IntegrityError, SQLAlchemyError

from slalom.errors import Infrastructure, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.orm import Session

BEAT_SECONDS = 3.0
"""The time between two signs of life of a run."""

PATIENCE_SECONDS = 15.0
"""The time without a sign of life after which a run is taken for dead."""

HELD = "held"
"""The name of the note that a run holds the study; its value is False where that run is known to be dead."""

METADATA = MetaData()

HOLDERS = Table(
    "slalom_holder",
    METADATA,
    Column("study", String(512), primary_key=True),
    Column("token", String(64), nullable=False),
    Column("host", String(255), nullable=False),
    Column("machine", String(255), nullable=False),
    Column("process", Integer, nullable=False),
    Column("home", Text, nullable=False),
    Column("since", Float(53), nullable=False),
    Column("beats", Integer, nullable=False),
)


class Holder(NamedTuple):
    """A run that holds a study.

    token: unique to the run; host, home, since: for messages
    machine: the boot and process namespace in which `process` is the run's process id, "" where unknown
    beats: how often the run gave a sign of life
    """

    token: str
    host: str
    machine: str
    process: int
    home: str
    since: float
    beats: int

    @property
    def dead(self) -> bool:
        """Whether the run's process is known to be gone, which only its own machine can tell."""
        return bool(self.machine) and self.machine == _machine() and not Path(f"/proc/{self.process}").exists()

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.since).astimezone().isoformat(sep=" ", timespec="seconds")
        return f"process {self.process} on {self.host}, with the home {self.home}, since {since}"


class Hold:
    """A run's hold on a study; every call but `release` raises SQLAlchemyError where the database does not answer."""

    def __init__(self, engine: Engine, study: str, home: str) -> None:
        """study: the study's name in the storage; home: the run's home, for messages."""
        self._engine = engine
        self._study = study
        self._mine = Holder(
            secrets.token_hex(16), socket.gethostname(), _machine(), os.getpid(), home, time.time(), beats=0
        )

    def take(self, clock: Callable[[], float] = time.monotonic, wait: Callable[[float], None] = time.sleep) -> None:
        """Take the hold; InputError where another run has it. That may take PATIENCE_SECONDS to tell."""
        began, first = clock(), None
        while True:
            with self._engine.begin() as database:
                found = self._found(database)
                if found is None:
                    if self._inserted(database):
                        return
                    continue
                first = first or found
                silent = found == first and clock() - began >= PATIENCE_SECONDS
                if (silent or found.dead) and self._taken(database, found):
                    return
            if found != first:
                raise InputError(
                    f"{self._study} is being run already, by {found}: wait for it, or stop it and run this again"
                )
            wait(BEAT_SECONDS / 6)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Give signs of life until the block is left."""
        over = Event()
        beating = Thread(target=self._beat, args=[over], name="slalom-hold", daemon=True)
        beating.start()
        try:
            yield
        finally:
            over.set()
            beating.join(BEAT_SECONDS)

    def verify(self, session: Session) -> None:
        """Make sure, for the rest of a transaction, that this run holds the study, else raise Infrastructure."""
        if session.execute(self._beaten()).rowcount:  # type: ignore[attr-defined]
            return
        holder = self._found(session.connection())
        by = f"by {holder}" if holder else "by a run that has ended"
        raise Infrastructure(
            f"{self._study} was taken over {by}, since this run gave no sign of life for {PATIENCE_SECONDS:.0f} s; "
            "what had ended before is kept"
        )

    def release(self) -> None:
        """Give the hold up; where the database does not answer, the next run waits until this one counts as dead."""
        with suppress(SQLAlchemyError), self._engine.begin() as database:
            database.execute(delete(HOLDERS).where(HOLDERS.c.study == self._study, HOLDERS.c.token == self._mine.token))

    def _beat(self, over: Event) -> None:
        while not over.wait(BEAT_SECONDS):
            with suppress(SQLAlchemyError), self._engine.begin() as database:  # the loop's own writes report an outage
                database.execute(self._beaten())

    def _beaten(self) -> Any:
        mine = (HOLDERS.c.study == self._study, HOLDERS.c.token == self._mine.token)
        return update(HOLDERS).where(*mine).values(beats=HOLDERS.c.beats + 1)

    def _found(self, database: Connection) -> Holder | None:
        columns = [HOLDERS.c[name] for name in Holder._fields]
        row = database.execute(select(*columns).where(HOLDERS.c.study == self._study)).first()
        return None if row is None else Holder(*row)

    def _inserted(self, database: Connection) -> bool:
        try:
            with database.begin_nested():
                database.execute(insert(HOLDERS).values(study=self._study, **self._mine._asdict()))
        except IntegrityError:  # another run was first
            return False
        return True

    def _taken(self, database: Connection, found: Holder) -> bool:
        """Take the hold over from `found`; whether that succeeded, as it does only while the row equals `found`."""
        as_it_was = (HOLDERS.c.study == self._study, HOLDERS.c.token == found.token, HOLDERS.c.beats == found.beats)
        taken = update(HOLDERS).where(*as_it_was).values(**self._mine._asdict())
        return bool(database.execute(taken).rowcount)


def held(engine: Engine) -> dict[str, dict[str, bool]]:
    """The note HELD of each study that a run holds, by study; empty where there is no table of holders yet."""
    if not inspect(engine).has_table(HOLDERS.name):
        return {}
    columns = [HOLDERS.c[name] for name in Holder._fields]
    with engine.connect() as database:
        rows = database.execute(select(HOLDERS.c.study, *columns)).all()
    return {study: {HELD: not Holder(*row).dead} for study, *row in rows}


def make_tables(engine: Engine, *more: Table) -> None:
    """Make the table of holders and `more` where they are missing, even while another process makes them."""
    for table in (HOLDERS, *more):
        try:
            table.create(engine, checkfirst=True)
        except DatabaseError:
            table.create(engine, checkfirst=True)


def _machine() -> str:
    """A name for this boot of this machine and its process namespace, where process ids are unique; "" if unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""
