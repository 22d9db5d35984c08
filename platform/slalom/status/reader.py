"""Reads how studies and schedules stand, while others write."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine

from slalom.database import check_trials, engine_options, translated
from slalom.loop.notes import Notes
from slalom.loop.placement import Load
from slalom.schedule.store import ScheduleStore
from slalom.search.on_optuna.survey import survey
from slalom.status.namesakes import told_apart
from slalom.status.status import Status, StudyStatus
from slalom.verdict.summary import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slalom.home import Home
    from slalom.search.on_optuna.survey import Found

LAST_RUNS = 20
COUNTS = ("done", "budget", "pruned", "diverged", "failed")


class StatusReader:
    """Reads how things stand in a home, or in the storage named instead; threads may share it."""

    def __init__(self, home: Home) -> None:
        """Raises Infrastructure where the storage's URL or driver cannot be used, or its file is broken."""
        check_trials(home)
        self._home = home
        self._shown = home.shown()["storage"]
        with translated(self._shown, ValueError):
            self._engine = create_engine(home.storage_url, **engine_options(home.storage_url, make=False))
        self._book = ScheduleStore(self._engine, self._shown)

    def read(self, now: float) -> Status:
        """How studies and schedules stand; Infrastructure where the storage does not answer."""
        if self._missing:
            return Status(now)
        with translated(self._shown):
            surveyed = survey(self._engine)
        studies = [_study(found, self._home, now) for found in surveyed]
        namesakes = [*_namesakes(surveyed)]
        book = self._book
        if not book.there:
            return Status(now, studies, namesakes)
        return Status(
            now,
            studies,
            namesakes,
            schedules=book.schedules(),
            runs=book.last_runs(LAST_RUNS),
            newest=book.newest(),
            ended=book.newest(ended=True),
            counts=book.counts(),
            lease=book.lease(),
        )

    @property
    def _missing(self) -> bool:
        """Whether the storage is an SQLite file that does not exist: reading it would make the file."""
        place = self._engine.url
        return place.get_backend_name() == "sqlite" and not Path(place.database or "").exists()


def _namesakes(found: Sequence[Found]) -> Iterator[str]:
    for one, other in pairwise(found):
        if one.study == other.study:
            apart = told_apart(one.notes, other.notes)
            yield f"{one.study}: {one.fingerprint} is there, and here is {other.fingerprint} with {apart}"


def _study(found: Found, home: Home, now: float) -> StudyStatus:
    notes = Notes.read(found.notes)
    state, pulse = notes.standing(home, now), notes.pulse
    load = pulse.load if pulse and state is State.RUNNING else Load(0, 0, 0)
    counts = {name: sum(getattr(arm, name) for arm in pulse.arms) if pulse else None for name in COUNTS}
    return StudyStatus(
        found.study,
        found.fingerprint,
        state,
        pulse.at if pulse else None,
        load.lanes,
        load.training,
        load.waiting,
        **counts,
        trials_per_second=pulse.trials_per_second if pulse else None,
        slot_utilisation=pulse.slot_utilisation if pulse else None,
    )
