"""How things stand, as values: studies with their lanes and queues, schedules, and who leads."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.schedule.values import Lease, Run, RunOutcome, StudySchedule
    from slalom.verdict.summary import State


@dataclass(frozen=True)
class StudyStatus:
    """A study, as its loop last told.

    seen: when the loop last told, in seconds since the epoch; None where it never did, as are the counts and rates
    done, budget, pruned, diverged, failed: trials of all arms
    lanes, training, waiting: lanes, trials that they train, and orders that wait for a lane; 0 where nothing runs
    trials_per_second: of the last run; slot_utilisation: of all runs
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
    namesakes: for studies of one name, what tells each from the one before it
    runs: the last runs, newest first
    newest, ended: the newest run, and the newest run that has ended, by the schedule's name
    counts: how many runs ended, by schedule and outcome
    lease: of the server that leads, or led last; None where no server ever led
    """

    now: float
    studies: Sequence[StudyStatus] = ()
    namesakes: Sequence[str] = ()
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
            "namesakes": [*self.namesakes],
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
