"""Schedules, runs and the lease as rows: several servers and commands may use one book at once."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, create_engine, delete, func, insert, inspect, or_, select, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from slalom.database import engine_options, translated
from slalom.errors import InputError, nearest
from slalom.schedule.cron import Cron
from slalom.schedule.tables import LEASES, METADATA, RUNS, SCHEDULES
from slalom.schedule.values import Lease, Outcome, Reason, Run, Schedule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine, Row

THE_LEASE = 1


class Book:
    """Every call is one transaction. Raises Infrastructure where the database does not answer.

    What a server does under its lease names the lease in the same transaction, so that a server which has lost it,
    without knowing yet, starts nothing.
    """

    def __init__(self, engine: Engine, shown: str) -> None:
        """shown: the engine's URL without its password, for messages."""
        self._engine = engine
        self._shown = shown

    @property
    def there(self) -> bool:
        """Whether its tables are made."""
        with translated(self._shown):
            return inspect(self._engine).has_table(SCHEDULES.name)

    def add(self, schedule: Schedule) -> None:
        """A new schedule; InputError where there is one of its name."""
        row = {name: value for name, value in asdict(schedule).items() if name != "cron"}
        row |= {"cron": schedule.cron.expression, "timezone": schedule.cron.timezone}
        with translated(self._shown):
            try:
                with self._engine.begin() as database:
                    database.execute(insert(SCHEDULES).values(row))
            except IntegrityError as exc:
                raise InputError(f"--name: there is a schedule {schedule.name!r} already: remove it first") from exc

    def remove(self, name: str) -> None:
        """A schedule that is wanted no more; its runs stay on record, and one that goes on ends as it may."""
        with translated(self._shown), self._engine.begin() as database:
            removed = database.execute(delete(SCHEDULES).where(SCHEDULES.c.name == name)).rowcount
        self._known(name, removed)

    def ask(self, name: str, now: float) -> None:
        """Have a schedule run as soon as a server can."""
        with translated(self._shown), self._engine.begin() as database:
            asked = database.execute(update(SCHEDULES).where(SCHEDULES.c.name == name).values(asked=now)).rowcount
        self._known(name, asked)

    def schedules(self) -> list[Schedule]:
        """All, by the time that they are due."""
        return [_schedule(row) for row in self._rows(select(SCHEDULES).order_by(SCHEDULES.c.due, SCHEDULES.c.name))]

    def open_runs(self) -> list[Run]:
        """Those that go on."""
        return [_run(row) for row in self._rows(select(RUNS).where(RUNS.c.ended.is_(None)).order_by(RUNS.c.id))]

    def last_runs(self, limit: int) -> list[Run]:
        """The last ones of all schedules, newest first."""
        return [_run(row) for row in self._rows(select(RUNS).order_by(RUNS.c.id.desc()).limit(limit))]

    def newest(self, *, ended: bool = False) -> dict[str, Run]:
        """By schedule, its last run; ended: the last one that goes on no more."""
        # one look into the index for each schedule, however many runs there are
        last = select(func.max(RUNS.c.id)).where(RUNS.c.schedule == SCHEDULES.c.name)
        last = last.where(RUNS.c.ended.is_not(None)) if ended else last
        ids = select(last.scalar_subquery()).select_from(SCHEDULES)
        return {run.schedule: run for run in map(_run, self._rows(select(RUNS).where(RUNS.c.id.in_(ids))))}

    def counts(self) -> dict[tuple[str, Outcome], int]:
        """By schedule and outcome, how many runs ended."""
        query = select(RUNS.c.schedule, RUNS.c.outcome, func.count()).where(RUNS.c.ended.is_not(None))
        rows = self._rows(query.group_by(RUNS.c.schedule, RUNS.c.outcome))
        return {(row[0], Outcome(row[1])): row[2] for row in rows}

    def lease(self) -> Lease | None:
        """Who leads, or led last; None where nobody ever did."""
        rows = self._rows(select(LEASES.c.server, LEASES.c.since, LEASES.c.expires))
        return next((Lease(row[0], row[1], row[2]) for row in rows), None)

    def lead(self, server: str, now: float, until: float) -> bool:
        """Take the lead, or keep it; False while another server has it."""
        kept = case((LEASES.c.server == server, LEASES.c.since), else_=now)
        free = or_(LEASES.c.server == server, LEASES.c.expires <= now)
        taken = update(LEASES).where(LEASES.c.id == THE_LEASE, free).values(server=server, since=kept, expires=until)
        with translated(self._shown), self._engine.begin() as database:
            if database.execute(taken).rowcount:
                return True
            if database.execute(select(LEASES.c.id)).first():
                return False
            try:
                with database.begin_nested():
                    row = {"id": THE_LEASE, "server": server, "since": now, "expires": until}
                    database.execute(insert(LEASES).values(row))
            except IntegrityError:  # another server was first
                return False
        return True

    def release(self, server: str, now: float) -> None:
        """Give the lead away, if the server has it."""
        with translated(self._shown), self._engine.begin() as database:
            database.execute(update(LEASES).where(LEASES.c.server == server).values(expires=now))

    def start(self, run: Run, schedule: Schedule, due: float) -> int | None:
        """Write down that a run starts, and when its schedule is `due` next; gives the run's id.

        None, and nothing is written, where the server does not lead or the schedule is no more what it was.
        """
        leads = (LEASES.c.server == run.server, LEASES.c.expires > run.started)
        as_it_was = (SCHEDULES.c.name == schedule.name, SCHEDULES.c.due == schedule.due)
        with translated(self._shown), self._engine.begin() as database:
            # an update of nothing, which holds the row: nobody takes the lead until the run is on record
            if not database.execute(update(LEASES).where(*leads).values(id=THE_LEASE)).rowcount:
                return None
            if not database.execute(update(SCHEDULES).where(*as_it_was).values(due=due, asked=None)).rowcount:
                return None
            row = {name: value for name, value in asdict(run).items() if name != "id"}
            key = database.execute(insert(RUNS).values(row)).inserted_primary_key
            return int(key[0]) if key else None

    def beat(self, server: str, now: float) -> set[int]:
        """Tell that a server's runs go on; gives the ids of those that nobody has given up meanwhile."""
        mine = (RUNS.c.server == server, RUNS.c.ended.is_(None))
        with translated(self._shown), self._engine.begin() as database:
            database.execute(update(RUNS).where(*mine).values(seen=now))
            return {row[0] for row in database.execute(select(RUNS.c.id).where(*mine))}

    def end(self, run: int, now: float, outcome: Outcome, exit_code: int | None) -> None:
        """Write down how a run ended; one that was given up stays so."""
        ended = {"ended": now, "outcome": outcome, "exit_code": exit_code}
        with translated(self._shown), self._engine.begin() as database:
            database.execute(update(RUNS).where(RUNS.c.id == run, RUNS.c.ended.is_(None)).values(ended))

    def give_up(self, seen_before: float, now: float) -> None:
        """Runs of which nothing was heard for too long are lost."""
        silent = (RUNS.c.ended.is_(None), RUNS.c.seen < seen_before)
        with translated(self._shown), self._engine.begin() as database:
            database.execute(update(RUNS).where(*silent).values(ended=now, outcome=Outcome.LOST))

    def _rows(self, query: Any) -> Sequence[Any]:
        with translated(self._shown), self._engine.connect() as database:
            return database.execute(query).all()

    def _known(self, name: str, found: int) -> None:
        if not found:
            names = [schedule.name for schedule in self.schedules()]
            raise InputError(f"there is no schedule {name!r}{nearest(name, names)}")


def open_book(url: str, shown: str) -> Book:
    """The book in a database; its tables are made where they are missing.

    shown: the URL without its password, for messages
    """
    with translated(shown, ValueError):
        engine = create_engine(url, **engine_options(url))
        for table in METADATA.sorted_tables:
            try:
                table.create(engine, checkfirst=True)
            except DatabaseError:  # another process made it at the same time: each table is a race of its own
                table.create(engine, checkfirst=True)
    return Book(engine, shown)


def _schedule(row: Row[Any]) -> Schedule:
    values = dict(row._mapping)
    return Schedule(cron=_cron(values.pop("cron"), values.pop("timezone")), **values)


_cron = lru_cache(Cron)
"""Its rules are checked once: schedules are read every second."""


def _run(row: Row[Any]) -> Run:
    values = dict(row._mapping)
    outcome = values.pop("outcome")
    return Run(**values | {"reason": Reason(values["reason"]), "outcome": Outcome(outcome) if outcome else None})
