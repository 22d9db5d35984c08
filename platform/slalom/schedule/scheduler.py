"""What a server does: the leading server starts the runs that are due, and each server watches the runs it started.

The scheduler reads no clock and starts no process by itself: both are arguments, so that tests run on a virtual clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from slalom.errors import Infrastructure
from slalom.schedule.values import ATTEMPTS, TIME_LIMIT_CODE, Reason, Run, RunOutcome, StudySchedule, outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slalom.schedule.store import ScheduleStore


class Child(Protocol):
    """The process of a run, started by `Scheduler.spawn`.

    The scheduler's thread alone calls these methods, and none of them waits. A process that has ended already is no
    error: `interrupt` and `kill` then do nothing.
    """

    def poll(self) -> int | None:
        """Return the process's exit code, negative for the signal that ended the process; None while it goes on."""
        ...

    def interrupt(self) -> None:
        """Ask the process to end, as Ctrl-C does; whether the process has ended is seen by `poll`."""
        ...

    def kill(self) -> None:
        """End the process and every process that it started, by force."""
        ...


@dataclass(frozen=True)
class Waits:
    """How long servers wait, in seconds.

    lease: the lead lasts so long after the leader last renewed it; a leader renews it three times in that time
    grace: a process that was asked to end is ended by force after so long
    late: a run that starts later than this after its due time is recorded as missed
    """

    lease: float = 30.0
    grace: float = 60.0
    late: float = 60.0

    @property
    def lost(self) -> float:
        """Seconds without a sign of life after which a run is given up as lost.

        A server that is cut off from the database ends its processes sooner than that.
        """
        return 2 * self.lease + self.grace


@dataclass
class ActiveRun:
    """A run whose process this server started and watches.

    ends: when the run's time limit is over, in seconds since the epoch; None without a limit
    told: when the process was asked to end, and `outcome` why; None where it was not asked
    """

    id: int
    run: Run
    child: Child
    ends: float | None
    told: float | None = None
    outcome: RunOutcome | None = None

    def stop(self, outcome: RunOutcome, now: float) -> None:
        """Ask the process to end, and keep the reason; a second call does nothing."""
        if self.told is None:
            self.told, self.outcome = now, outcome
            self.child.interrupt()


@dataclass(frozen=True)
class EndedRun:
    """How and when a run ended, kept until the store has it.

    when: seconds since the epoch
    """

    id: int
    run: Run
    when: float
    outcome: RunOutcome
    exit_code: int


@dataclass
class Scheduler:
    """One of the servers that share a store of schedules; one thread calls `tick` about once a second.

    server: the server's name, which no other server has or had
    clock: gives the time, in seconds since the epoch
    spawn: starts a run's process and returns at once; raises Infrastructure where the process cannot be started
    jobs: how many runs may go on at once, over all servers
    say: called with a line for each thing that happens
    """

    store: ScheduleStore
    server: str
    clock: Callable[[], float]
    spawn: Callable[[Run], Child]
    waits: Waits = field(default_factory=Waits)
    jobs: int = 1
    say: Callable[[str], None] = lambda _: None
    leads: bool = False
    _children: dict[int, ActiveRun] = field(default_factory=dict)
    _ended: list[EndedRun] = field(default_factory=list)
    _in_touch: float = 0.0
    _beaten: float = 0.0

    @property
    def in_touch(self) -> bool:
        """Whether the database has answered within the last `waits.lease` seconds; any thread may ask."""
        return self.clock() - self._in_touch <= self.waits.lease

    def tick(self) -> None:
        """Do what is due by now: watch this server's processes, renew the lead, and start runs where this server leads.

        Raises Infrastructure where the database does not answer; the next call tries again. A server that is cut off
        from the database for longer than the lease asks its processes to end, since another server may start their
        runs again.
        """
        now = self.clock()
        self._watch(now)
        try:
            self._write_ends()
            self._tell(now)
            if self.leads:
                self._lead(now)
        except Infrastructure:
            if now - self._in_touch > self.waits.lease:
                self.leads = False
                self._stop_all(now)
            raise
        self._in_touch = now

    def close(self, wait: Callable[[float], None]) -> None:
        """Ask every process to end, wait until all have, and release the lead.

        wait: sleeps for the seconds that it is given
        Raises Infrastructure where the database does not answer.
        """
        self._stop_all(self.clock())
        while self._children:
            self._watch(self.clock())
            if self._children:
                wait(0.05)
        self._write_ends()
        self.store.release(self.server, self.clock())
        self.leads = False

    def kill(self) -> None:
        """End every process by force, at once."""
        for active in self._children.values():
            active.child.kill()

    def _watch(self, now: float) -> None:
        """Take up processes that ended; stop those over their time limit, and end by force those over their grace."""
        for active in list(self._children.values()):
            code = active.child.poll()
            if code is not None:
                del self._children[active.id]
                self._ended.append(_end(active, code, now))
            elif active.told is not None and now - active.told >= self.waits.grace:
                active.child.kill()
            elif active.ends is not None and now >= active.ends:
                active.stop(RunOutcome.TIME_LIMIT, now)

    def _write_ends(self) -> None:
        while self._ended:
            ended = self._ended[0]
            self.store.end(ended.id, ended.when, ended.outcome, ended.exit_code)
            del self._ended[0]
            seconds = ended.when - ended.run.started
            self.say(f"{ended.run.schedule}: {ended.outcome}, exit code {ended.exit_code}, after {seconds:.0f} s")

    def _tell(self, now: float) -> None:
        """Renew this server's runs and its lead three times a lease; without the lead ask for it at every call."""
        if now - self._beaten < self.waits.lease / 3:
            return
        kept = self.store.beat(self.server, now) if self._children else set()
        for active in self._children.values():
            if active.id not in kept:  # given up, as while this machine slept: the run may have been started elsewhere
                active.stop(RunOutcome.LOST, now)
                active.child.kill()
        led, self.leads = self.leads, self.store.lead(self.server, now, now + self.waits.lease)
        if self.leads != led:
            self.say("this server leads" if self.leads else "another server leads")
        if self.leads:
            self._beaten = now

    def _lead(self, now: float) -> None:
        self.store.give_up(now - self.waits.lost, now)
        going_on = {run.schedule for run in self.store.open_runs()}
        for schedule, run, due in self._wanted(now):
            if len(going_on) >= self.jobs:
                return
            if schedule.name not in going_on and self._start(schedule, run, due):
                going_on.add(schedule.name)

    def _wanted(self, now: float) -> Iterator[tuple[StudySchedule, Run, float]]:
        """The runs that should start now, each with its schedule and the time at which that is due next."""
        newest = self.store.newest()
        for schedule in self.store.schedules():
            run = self._run(schedule, now)
            last = newest.get(schedule.name)
            if schedule.due <= now:
                reason = Reason.MISSED if now - schedule.due > self.waits.late else Reason.DUE
                yield schedule, replace(run, reason=reason), schedule.cron.after(now)
            elif last is not None and _again(last, schedule):
                again = replace(run, due=last.due, attempt=last.attempt + 1, reason=Reason.AGAIN)
                yield schedule, again, schedule.due
            elif schedule.asked is not None:
                yield schedule, replace(run, due=schedule.asked, reason=Reason.ASKED), schedule.due

    def _run(self, schedule: StudySchedule, now: float) -> Run:
        what = (schedule.name, schedule.study, schedule.command, schedule.arguments)
        return Run(*what, schedule.due, 0, Reason.DUE, self.server, started=now, seen=now)

    def _start(self, schedule: StudySchedule, run: Run, due: float) -> bool:
        """Start a run; returns whether it was started.

        It is not where another server leads by now, where the schedule was changed or removed meanwhile, or where that
        time has a run on record.
        """
        key = self.store.start(run, schedule, due)
        if key is None:
            return False
        try:
            child = self.spawn(replace(run, id=key))
        except Infrastructure as exc:
            self.say(f"{run.schedule}: {exc}")
            self.store.end(key, run.started, RunOutcome.FAILED, exc.exit_code)
            return True
        ends = None if schedule.time_limit is None else run.started + schedule.time_limit
        self._children[key] = ActiveRun(key, run, child, ends)
        self.say(f"{run.schedule}: started, {run.reason}")
        return True

    def _stop_all(self, now: float) -> None:
        for active in self._children.values():
            active.stop(RunOutcome.STOPPED, now)


def _again(last: Run, schedule: StudySchedule) -> bool:
    """Whether a run is tried again: not where its schedule was removed and added again after a further due time."""
    unfinished = last.outcome is not None and last.outcome.unfinished
    return unfinished and last.attempt + 1 < ATTEMPTS and schedule.cron.after(last.started) == schedule.due


def _end(active: ActiveRun, code: int, now: float) -> EndedRun:
    """How a run ended: one that was asked to end has that reason as its outcome, unless its exit code is 0."""
    outcome = active.outcome if active.outcome is not None and code != 0 else outcome_of(code)
    return EndedRun(active.id, active.run, now, outcome, TIME_LIMIT_CODE if outcome is RunOutcome.TIME_LIMIT else code)
