"""How things stand: studies with their lanes and queues, schedules, and who leads. Only reads, while others write."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine

from slalom.database import engine_options, translated
from slalom.loop.pulse import NOTE, SILENT_SECONDS
from slalom.schedule.store import ScheduleStore
from slalom.search.on_optuna.survey import survey
from slalom.verdict.summary import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.home import Home
    from slalom.schedule.values import Lease, Run, RunOutcome, StudySchedule
    from slalom.search.on_optuna.survey import Found

LAST_RUNS = 20
COUNTS = ("done", "budget", "pruned", "diverged", "failed")


@dataclass(frozen=True)
class StudyStatus:
    """A study, as its loop last told.

    seen: when that was, in seconds since the epoch; None where it never did, and then so is all that it tells
    done, budget, pruned, diverged, failed: trials of all arms
    lanes, training, waiting: lanes, trials that they train, and orders that wait for one; 0 where nothing runs
    trials_per_second: of the last run; slot_utilisation: of all
    """

    study: str
    fingerprint: str
    state: State
    seen: float | None
    lanes: int
    training: int
    waiting: int
    done: int | None
    budget: int | None
    pruned: int | None
    diverged: int | None
    failed: int | None
    trials_per_second: float | None
    slot_utilisation: float | None


@dataclass(frozen=True)
class Status:
    """How things stand.

    now: when this was read, in seconds since the epoch
    runs: the last ones, newest first; newest: by schedule; ended: by schedule, the newest that goes on no more
    counts: of those that ended, by schedule and outcome
    lease: of the server that leads, or led last; None where there never was one
    """

    now: float
    studies: Sequence[StudyStatus] = ()
    schedules: Sequence[StudySchedule] = ()
    runs: Sequence[Run] = ()
    newest: Mapping[str, Run] = field(default_factory=dict)
    ended: Mapping[str, Run] = field(default_factory=dict)
    counts: Mapping[tuple[str, RunOutcome], int] = field(default_factory=dict)
    lease: Lease | None = None

    @property
    def leader(self) -> str | None:
        """The server that leads; None where none is up."""
        return self.lease.server if self.lease and self.lease.expires > self.now else None

    def as_json(self) -> dict[str, Any]:
        """Plain values; times in seconds since the epoch."""
        return {
            "now": self.now,
            "studies": [asdict(study) for study in self.studies],
            "schedules": [self._schedule(schedule) for schedule in self.schedules],
            "runs": [asdict(run) for run in self.runs],
            "server": None if self.lease is None else {**asdict(self.lease), "up": self.leader is not None},
        }

    def _schedule(self, schedule: StudySchedule) -> dict[str, Any]:
        last = self.newest.get(schedule.name)
        return {**schedule_json(schedule), "last": None if last is None else asdict(last)}


def schedule_json(schedule: StudySchedule) -> dict[str, Any]:
    """Plain values; `due` and `asked` in seconds since the epoch, the time limit in seconds."""
    cron = schedule.cron
    return {**asdict(schedule), "cron": cron.expression, "timezone": cron.timezone}


class StatusReader:
    """Reads how things stand in a home, or in the storage named instead; threads may share it."""

    def __init__(self, home: Home) -> None:
        """Raises Infrastructure where the storage's URL or its driver is no good."""
        self._home = home
        self._shown = home.shown()["storage"]
        with translated(self._shown, ValueError):
            self._engine = create_engine(home.storage_url, **engine_options(home.storage_url, make=False))
        self._book = ScheduleStore(self._engine, self._shown)

    def read(self, now: float) -> Status:
        """All there is to say; Infrastructure where the storage does not answer."""
        if self._missing:
            return Status(now)
        with translated(self._shown):
            studies = [_study(found, self._home, now) for found in survey(self._engine)]
        book = self._book
        if not book.there:
            return Status(now, studies)
        return Status(
            now,
            studies,
            schedules=book.schedules(),
            runs=book.last_runs(LAST_RUNS),
            newest=book.newest(),
            ended=book.newest(ended=True),
            counts=book.counts(),
            lease=book.lease(),
        )

    @property
    def _missing(self) -> bool:
        """Whether there is no file to read from, where it is one: to look makes none."""
        place = self._engine.url
        return place.get_backend_name() == "sqlite" and not Path(place.database or "").is_file()


def _study(found: Found, home: Home, now: float) -> StudyStatus:
    pulse: Mapping[str, Any] = found.notes.get(NOTE, {})
    state = _state(found, home, now)
    load = pulse if state is State.RUNNING else {}
    arms: Sequence[Mapping[str, Any]] = pulse.get("arms", ())
    counts = {name: sum(arm[name] for arm in arms) if pulse else None for name in COUNTS}
    return StudyStatus(
        found.study,
        found.fingerprint,
        state,
        pulse.get("at"),
        load.get("lanes", 0),
        load.get("training", 0),
        load.get("waiting", 0),
        **counts,
        trials_per_second=pulse.get("trials_per_second"),
        slot_utilisation=pulse.get("slot_utilisation"),
    )


def _state(found: Found, home: Home, now: float) -> State:
    """Where a study stands: one that says it runs, and has not been heard of, was stopped by force."""
    if found.notes.get("recorded"):
        return State.COMPLETE
    state = State(found.notes.get("state", State.RUNNING))
    seen = found.notes.get(NOTE, {}).get("at", 0.0)
    silent = now - seen > SILENT_SECONDS or (home.storage is None and home.deserted)
    return State.INTERRUPTED if state is State.RUNNING and silent else state
