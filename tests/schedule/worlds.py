"""A world in which time is a number: servers over one store, children that take their time, and deaths."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, pairwise

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from slalom.errors import Infrastructure
from slalom.schedule.cron import Cron
from slalom.schedule.scheduler import Scheduler, Waits
from slalom.schedule.store import ScheduleStore
from slalom.schedule.tables import METADATA
from slalom.schedule.values import StudySchedule

WAITS = Waits(lease=3600, grace=1200, late=60)
STEP = 1200.0
"""Seconds between ticks while anything goes on."""


def utc(*date):
    return datetime(*date, tzinfo=UTC).timestamp()


@dataclass
class Child:
    """A process of virtual time. began, ended: when; code: how it ends by itself; deaf: it must be killed."""

    world: World
    run: object
    began: float
    ends: float
    code: int = 0
    deaf: bool = False
    signals: list = field(default_factory=list)

    def poll(self):
        return self.code if self.world.now >= self.ends else None

    def interrupt(self):
        self.signals.append((self.world.now, "interrupt"))
        if not self.deaf:
            self._end(130)

    def kill(self):
        self.signals.append((self.world.now, "kill"))
        self._end(-9)

    def _end(self, code):
        if self.world.now < self.ends:
            self.ends, self.code = self.world.now, code


class Cut:
    """The store as a server sees it whose network may fail."""

    def __init__(self, store):
        self._store, self.off = store, False

    def __getattr__(self, name):
        if self.off:
            raise Infrastructure("no route to the database")
        return getattr(self._store, name)


class World:
    """The clock, the store, the servers that are up, and every child there was."""

    def __init__(self, begin, minutes=lambda run: 20, code=lambda run: 0, jobs=100):
        engine = create_engine("sqlite://", poolclass=StaticPool)
        METADATA.create_all(engine)
        self.store = ScheduleStore(engine, "memory")
        self.now = begin
        self.servers, self.children, self.said = {}, [], []
        self._minutes, self._code, self._jobs = minutes, code, jobs
        self._names = count()

    def add(self, name, cron, zone="UTC", study="", **options):
        cron = Cron(cron, zone)
        self.store.add(StudySchedule(name, study or name, "run", cron, cron.after(self.now), **options))

    def up(self):
        """A new server; gives its name."""
        name = f"server {next(self._names)}"
        spawn, store = (lambda run: self._spawn(run)), Cut(self.store)
        self.servers[name] = Scheduler(store, name, lambda: self.now, spawn, WAITS, self._jobs, self.said.append)
        return name

    def die(self, name):
        """SIGKILL: children are told to end with it, and nothing is written down."""
        for job in self.servers.pop(name)._children.values():
            job.child.kill()

    def stop(self, name):
        self.servers.pop(name).close(self.sleep)

    def sleep(self, seconds):
        self.now += seconds

    def tick(self):
        for server in list(self.servers.values()):
            try:
                server.tick()
            except Infrastructure:
                assert server.store.off

    def run(self, until):
        """Go from event to event: something is due or ends; while anything goes on, every STEP as well."""
        while self.now < until:
            self.tick()
            events = [until] + [one.due for one in self.store.schedules()]
            events += [child.ends for child in self.children if child.ends > self.now]
            if len(events) > 1 and self.store.open_runs():
                events.append(self.now + STEP)
            self.now = min((one for one in events if one > self.now), default=until)

    def _spawn(self, run):
        child = Child(self, run, self.now, self.now + 60 * self._minutes(run), self._code(run))
        self.children.append(child)
        return child

    def runs(self, schedule):
        """All of a schedule, oldest first."""
        return [run for run in reversed(self.store.last_runs(10**6)) if run.schedule == schedule]

    def assert_no_overlap(self):
        for name in {child.run.schedule for child in self.children}:
            spans = sorted((child.began, child.ends) for child in self.children if child.run.schedule == name)
            for (_, ended), (began, _) in pairwise(spans):
                assert ended <= began
