"""What a server does: start what is due while it leads, watch what it started, and write down how that ends.

Pure with respect to time: the clock and the start of processes are arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from slalom.errors import Infrastructure
from slalom.schedule.values import ATTEMPTS, TIME_LIMIT_CODE, Outcome, Reason, Run, Schedule, outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slalom.schedule.book import Book


class Child(Protocol):
    """A process that does a run. Called by the scheduler's thread alone; none of the calls waits."""

    def poll(self) -> int | None:
        """Its exit code, negative for the signal that ended it; None while it goes on."""
        ...

    def interrupt(self) -> None:
        """Ask it to end, as Ctrl-C does."""
        ...

    def kill(self) -> None:
        """End it, with all that it started."""
        ...


@dataclass(frozen=True)
class Pace:
    """How patient a server is, in seconds.

    lease: without a word for so long, a server is no longer the leader; it tells thrice in that time
    grace: from the request to end to the end by force
    late: a run that starts later than this after its time was missed
    """

    lease: float = 30.0
    grace: float = 60.0
    late: float = 60.0

    @property
    def lost(self) -> float:
        """Without a word for so long, a run is lost: longer than a server that is cut off lets its children live."""
        return 2 * self.lease + self.grace


@dataclass
class Job:
    """A run with its process.

    ends: when its time is up
    told: when it was asked to end, and `outcome` why
    """

    id: int
    run: Run
    child: Child
    ends: float | None
    told: float | None = None
    outcome: Outcome | None = None

    def stop(self, outcome: Outcome, now: float) -> None:
        """Ask it to end, once."""
        if self.told is None:
            self.told, self.outcome = now, outcome
            self.child.interrupt()


@dataclass(frozen=True)
class Ended:
    """A run's end, on its way to the book."""

    job: Job
    when: float
    outcome: Outcome
    exit_code: int


@dataclass
class Scheduler:
    """One server among those of a book; `tick` is called about once a second, by one thread.

    server: its name, which no other has, nor an earlier one had
    clock: seconds since the epoch
    spawn: starts a run; Infrastructure where it cannot
    jobs: runs that go on at once, of all servers together
    say: told what happens, a line each
    """

    book: Book
    server: str
    clock: Callable[[], float]
    spawn: Callable[[Run], Child]
    pace: Pace = field(default_factory=Pace)
    jobs: int = 1
    say: Callable[[str], None] = lambda _: None
    leads: bool = False
    _children: dict[int, Job] = field(default_factory=dict)
    _ended: list[Ended] = field(default_factory=list)
    _in_touch: float = 0.0
    _beaten: float = 0.0

    @property
    def in_touch(self) -> bool:
        """Whether the database has answered within the lease; any thread may ask."""
        return self.clock() - self._in_touch <= self.pace.lease

    def tick(self) -> None:
        """Do what there is to do now; Infrastructure where the database does not answer, and then call again.

        A server that is cut off from the database stops its children: another may start their runs again.
        """
        now = self.clock()
        self._watch(now)
        try:
            self._write_ends()
            self._tell(now)
            if self.leads:
                self._lead(now)
        except Infrastructure:
            if now - self._in_touch > self.pace.lease:
                self.leads = False
                self._stop_all(now)
            raise
        self._in_touch = now

    def close(self, wait: Callable[[float], None]) -> None:
        """Stop every child, and give the lead away.

        wait: sleeps so many seconds
        """
        self._stop_all(self.clock())
        while self._children:
            self._watch(self.clock())
            if self._children:
                wait(0.05)
        self._write_ends()
        self.book.release(self.server, self.clock())
        self.leads = False

    def kill(self) -> None:
        """End every child by force, at once."""
        for job in self._children.values():
            job.child.kill()

    def _watch(self, now: float) -> None:
        """Children that ended, whose time is up, or who were asked to end too long ago."""
        for job in list(self._children.values()):
            code = job.child.poll()
            if code is not None:
                del self._children[job.id]
                self._ended.append(_end(job, code, now))
            elif job.told is not None and now - job.told >= self.pace.grace:
                job.child.kill()
            elif job.ends is not None and now >= job.ends:
                job.stop(Outcome.TIME_LIMIT, now)

    def _write_ends(self) -> None:
        while self._ended:
            ended = self._ended[0]
            self.book.end(ended.job.id, ended.when, ended.outcome, ended.exit_code)
            del self._ended[0]
            seconds = ended.when - ended.job.run.started
            self.say(f"{ended.job.run.schedule}: {ended.outcome}, exit code {ended.exit_code}, after {seconds:.0f} s")

    def _tell(self, now: float) -> None:
        """Tell that this server is there, or that it would lead."""
        if now - self._beaten < self.pace.lease / 3:
            return
        kept = self.book.beat(self.server, now) if self._children else set()
        for job in self._children.values():
            if job.id not in kept:  # while this machine slept, for one: the run may have been started again elsewhere
                job.stop(Outcome.LOST, now)
                job.child.kill()
        led, self.leads = self.leads, self.book.lead(self.server, now, now + self.pace.lease)
        if self.leads != led:
            self.say("this server leads" if self.leads else "another server leads")
        if self.leads:
            self._beaten = now

    def _lead(self, now: float) -> None:
        self.book.give_up(now - self.pace.lost, now)
        going_on = {run.schedule for run in self.book.open_runs()}
        for schedule, run, due in self._wanted(now):
            if len(going_on) >= self.jobs:
                return
            if schedule.name not in going_on and self._start(schedule, run, due):
                going_on.add(schedule.name)

    def _wanted(self, now: float) -> Iterator[tuple[Schedule, Run, float]]:
        """What should be started now, with the time at which its schedule is due next."""
        newest = self.book.newest()
        for schedule in self.book.schedules():
            run = self._run(schedule, now)
            last = newest.get(schedule.name)
            if schedule.due <= now:
                reason = Reason.MISSED if now - schedule.due > self.pace.late else Reason.DUE
                yield schedule, replace(run, reason=reason), schedule.cron.after(now)
            elif last is not None and _again(last):
                again = replace(run, due=last.due, attempt=last.attempt + 1, reason=Reason.AGAIN)
                yield schedule, again, schedule.due
            elif schedule.asked is not None:
                yield schedule, replace(run, due=schedule.asked, reason=Reason.ASKED), schedule.due

    def _run(self, schedule: Schedule, now: float) -> Run:
        what = (schedule.name, schedule.study, schedule.command, schedule.arguments)
        return Run(*what, schedule.due, 0, Reason.DUE, self.server, started=now, seen=now)

    def _start(self, schedule: Schedule, run: Run, due: float) -> bool:
        """Start a run; False where it may not be started any more."""
        key = self.book.start(run, schedule, due)
        if key is None:
            return False
        try:
            child = self.spawn(replace(run, id=key))
        except Infrastructure as exc:
            self.say(f"{run.schedule}: {exc}")
            self.book.end(key, run.started, Outcome.FAILED, exc.exit_code)
            return True
        ends = None if schedule.time_limit is None else run.started + schedule.time_limit
        self._children[key] = Job(key, run, child, ends)
        self.say(f"{run.schedule}: started, {run.reason}")
        return True

    def _stop_all(self, now: float) -> None:
        for job in self._children.values():
            job.stop(Outcome.STOPPED, now)


def _again(last: Run) -> bool:
    unfinished = last.outcome is not None and last.outcome.unfinished
    return unfinished and last.attempt + 1 < ATTEMPTS


def _end(job: Job, code: int, now: float) -> Ended:
    """How a run ended: one that was asked to end did so for that reason, unless all was well before it heard."""
    outcome = job.outcome if job.outcome is not None and code != 0 else outcome_of(code)
    return Ended(job, now, outcome, TIME_LIMIT_CODE if outcome is Outcome.TIME_LIMIT else code)
