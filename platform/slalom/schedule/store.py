"""Schedules, runs and the lease as rows of a database, which several servers and commands use at once."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, create_engine, delete, func, insert, inspect, or_, select, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from slalom.database import engine_options, translated
from slalom.errors import InputError, nearest, quoted
from slalom.schedule.cron import Cron
from slalom.schedule.tables import LEASES, METADATA, RUNS, SCHEDULES
from slalom.schedule.values import Lease, Reason, Run, RunOutcome, StudySchedule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine, Row

THE_LEASE = 1


class ScheduleStore:
    """The schedules and their runs in one database. Every call is one transaction, and any thread may make it.

    Every call raises Infrastructure where the database does not answer. `start` checks the lease in its own
    transaction, so that a server which has lost the lead, and does not know it yet, starts nothing.
    """

    def __init__(self, engine: Engine, shown: str) -> None:
        """Use a database whose tables are made already, as by `open_store`.

        shown: the engine's URL without its password, for messages
        """
        self._engine = engine
        self._shown = shown

    @property
    def there(self) -> bool:
        """Whether the database has the tables."""
        with translated(self._shown):
            return inspect(self._engine).has_table(SCHEDULES.name)

    def add(self, schedule: StudySchedule) -> None:
        """Add a schedule; InputError where there is one of the same name."""
        row = {name: value for name, value in asdict(schedule).items() if name != "cron"}
        row |= {"cron": schedule.cron.expression, "timezone": schedule.cron.timezone}
        with translated(self._shown):
            try:
                with self._engine.begin() as database:
                    database.execute(insert(SCHEDULES).values(row))
            except IntegrityError as exc:
                raise InputError(f"--name: there is a schedule {schedule.name!r} already: remove it first") from exc

    def remove(self, name: str) -> None:
        """Remove a schedule; InputError where there is none of that name.

        The schedule's runs stay on record, and a run that goes on is not stopped.
        """
        with translated(self._shown), self._engine.begin() as database:
            removed = database.execute(delete(SCHEDULES).where(SCHEDULES.c.name == name)).rowcount
        self._known(name, removed)

    def ask(self, name: str, now: float) -> None:
        """Have the leading server run a schedule as soon as it can; InputError where there is none of that name."""
        with translated(self._shown), self._engine.begin() as database:
            asked = database.execute(update(SCHEDULES).where(SCHEDULES.c.name == name).values(asked=now)).rowcount
        self._known(name, asked)

    def schedules(self) -> list[StudySchedule]:
        """All schedules, the next one that is due first."""
        return [_schedule(row) for row in self._rows(select(SCHEDULES).order_by(SCHEDULES.c.due, SCHEDULES.c.name))]

    def open_runs(self) -> list[Run]:
        """The runs that go on, oldest first."""
        return [_run(row) for row in self._rows(select(RUNS).where(RUNS.c.ended.is_(None)).order_by(RUNS.c.id))]

    def last_runs(self, limit: int) -> list[Run]:
        """The newest `limit` runs of all schedules, newest first."""
        return [_run(row) for row in self._rows(select(RUNS).order_by(RUNS.c.id.desc()).limit(limit))]

    def newest(self, *, ended: bool = False) -> dict[str, Run]:
        """The newest run of each schedule that has one, by the schedule's name.

        A run of a removed schedule of that name counts where it did the same: study, command and arguments.
        ended: leave out runs that go on
        """
        # one look into the index for each schedule, however many runs there are
        last = select(func.max(RUNS.c.id)).where(RUNS.c.schedule == SCHEDULES.c.name)
        last = last.where(*(RUNS.c[what] == SCHEDULES.c[what] for what in ("study", "command", "arguments")))
        last = last.where(RUNS.c.ended.is_not(None)) if ended else last
        ids = select(last.scalar_subquery()).select_from(SCHEDULES)
        return {run.schedule: run for run in map(_run, self._rows(select(RUNS).where(RUNS.c.id.in_(ids))))}

    def counts(self) -> dict[tuple[str, RunOutcome], int]:
        """How many runs ended, by schedule and outcome."""
        query = select(RUNS.c.schedule, RUNS.c.outcome, func.count()).where(RUNS.c.ended.is_not(None))
        rows = self._rows(query.group_by(RUNS.c.schedule, RUNS.c.outcome))
        return {(row[0], RunOutcome(row[1])): row[2] for row in rows}

    def lease(self) -> Lease | None:
        """The lease of the server that leads, or led last; None where no server ever led."""
        rows = self._rows(select(LEASES.c.server, LEASES.c.since, LEASES.c.expires))
        return next((Lease(row[0], row[1], row[2]) for row in rows), None)

    def lead(self, server: str, now: float, until: float) -> bool:
        """Take or renew the lead until the time `until`; False while another server's lease lasts."""
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
        """End the server's lease at once, so that another may lead; nothing where the server does not lead."""
        with translated(self._shown), self._engine.begin() as database:
            database.execute(update(LEASES).where(LEASES.c.server == server).values(expires=now))

    def start(self, run: Run, schedule: StudySchedule, due: float) -> int | None:
        """Record that a run starts, and that its schedule is `due` next at that time; returns the run's id.

        Returns None, and writes nothing, where the run's server does not lead, or where the schedule was removed or
        another due time was written since `schedule` was read. Returns None, and writes the due time, where the time
        has a run on record, of a removed schedule of that name: a time is run once.
        """
        leads = (LEASES.c.server == run.server, LEASES.c.expires > run.started)
        as_it_was = (SCHEDULES.c.name == schedule.name, SCHEDULES.c.due == schedule.due)
        with translated(self._shown), self._engine.begin() as database:
            # an update of nothing, which holds the row: nobody takes the lead until the run is on record
            if not database.execute(update(LEASES).where(*leads).values(id=THE_LEASE)).rowcount:
                return None
            if not database.execute(update(SCHEDULES).where(*as_it_was).values(due=due, asked=None)).rowcount:
                return None
            same = (RUNS.c.schedule == run.schedule, RUNS.c.due == run.due, RUNS.c.attempt == run.attempt)
            if database.execute(select(RUNS.c.id).where(*same)).first():
                return None
            row = {name: value for name, value in asdict(run).items() if name != "id"}
            key = database.execute(insert(RUNS).values(row)).inserted_primary_key
            return int(key[0]) if key else None

    def beat(self, server: str, now: float) -> set[int]:
        """Record that a server's runs were alive at the time `now`; returns the ids of its runs that still go on.

        A run that `give_up` has ended meanwhile is not among these.
        """
        mine = (RUNS.c.server == server, RUNS.c.ended.is_(None))
        with translated(self._shown), self._engine.begin() as database:
            database.execute(update(RUNS).where(*mine).values(seen=now))
            return {row[0] for row in database.execute(select(RUNS.c.id).where(*mine))}

    def end(self, run: int, now: float, outcome: RunOutcome, exit_code: int | None) -> None:
        """Record how a run ended; nothing where the run has ended already, as one that `give_up` ended."""
        ended = {"ended": now, "outcome": outcome, "exit_code": exit_code}
        with translated(self._shown), self._engine.begin() as database:
            database.execute(update(RUNS).where(RUNS.c.id == run, RUNS.c.ended.is_(None)).values(ended))

    def give_up(self, seen_before: float, now: float) -> None:
        """Record as lost every open run whose last sign of life is older than the time `seen_before`."""
        silent = (RUNS.c.ended.is_(None), RUNS.c.seen < seen_before)
        with translated(self._shown), self._engine.begin() as database:
            database.execute(update(RUNS).where(*silent).values(ended=now, outcome=RunOutcome.LOST))

    def _rows(self, query: Any) -> Sequence[Any]:
        with translated(self._shown), self._engine.connect() as database:
            return database.execute(query).all()

    def _known(self, name: str, found: int) -> None:
        """Raise InputError where a call found no schedule of that name."""
        if not found:
            names = [schedule.name for schedule in self.schedules()]
            raise InputError(f"there is no schedule {quoted(name)}{nearest(name, names)}")


def open_store(url: str, shown: str) -> ScheduleStore:
    """Open the store of schedules in a database, and make the tables where they are missing.

    url: SQLAlchemy's URL of the database; shown: the same without its password, for messages
    Raises Infrastructure where the database does not answer, or where its driver is not installed.
    """
    with translated(shown, ValueError):
        engine = create_engine(url, **engine_options(url))
        for table in METADATA.sorted_tables:
            try:
                table.create(engine, checkfirst=True)
            except DatabaseError:  # another process made it at the same time: each table is a race of its own
                table.create(engine, checkfirst=True)
    return ScheduleStore(engine, shown)


def _schedule(row: Row[Any]) -> StudySchedule:
    values = dict(row._mapping)
    return StudySchedule(cron=_cron(values.pop("cron"), values.pop("timezone")), **values)


_cron = lru_cache(Cron)
"""A Cron by expression and zone, checked once: schedules are read every second."""


def _run(row: Row[Any]) -> Run:
    values = dict(row._mapping)
    outcome = values.pop("outcome")
    return Run(**values | {"reason": Reason(values["reason"]), "outcome": RunOutcome(outcome) if outcome else None})
