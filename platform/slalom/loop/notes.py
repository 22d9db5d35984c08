"""What is noted of a study as a whole beside its trials, and the one rule for where it stands."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from slalom.loop.placement import Load
from slalom.loop.progress import ArmProgress
from slalom.verdict.summary import State, Throughput
from slalom.wire.trial import Effort

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.home import Home
    from slalom.search.base import TrialStore

SILENT_SECONDS = 60.0
"""A study that runs, and has said nothing for so long, does not run any more."""


class Note(StrEnum):
    """The names under which a study's store keeps them.

    STATE: what the last run said of itself; RECORDED: the tracking URIs where the complete study is on record;
    THROUGHPUT: of all runs; REPRODUCED: by arm; PULSE: the running loop's last sign of life; SUBMISSION: what was sent
    to a cluster and has not ended; VERSIONS: what each run was made with; REMARKS: what lanes had to tell; IDENTITY:
    what the numbers of the study depend on; EXTENDS: the first 12 digits of the fingerprints of those that it extends;
    HELD is told by the store itself: whether the run that has the lease of the study is not known to be dead
    """

    STATE = "state"
    RECORDED = "recorded"
    THROUGHPUT = "throughput"
    REPRODUCED = "reproduced"
    PULSE = "pulse"
    SUBMISSION = "submission"
    VERSIONS = "versions"
    REMARKS = "remarks"
    IDENTITY = "identity"
    HELD = "held"
    EXTENDS = "extends"


@dataclass(frozen=True)
class Heartbeat:
    """How a study under way stood at one time.

    at: in seconds since the epoch
    trials_per_second: of the run; slot_utilisation: of all runs, or None before anything was trained
    """

    at: float
    load: Load
    trials_per_second: float
    slot_utilisation: float | None
    arms: tuple[ArmProgress, ...]

    def noted(self) -> Mapping[str, Any]:
        """The heartbeat as plain values."""
        return {
            "at": self.at,
            **self.load._asdict(),
            "trials_per_second": self.trials_per_second,
            "slot_utilisation": self.slot_utilisation,
            "arms": [asdict(arm) for arm in self.arms],
        }

    @classmethod
    def read(cls, noted: Mapping[str, Any]) -> Heartbeat:
        """The heartbeat of which these are the plain values."""
        load = Load(*(noted[name] for name in Load._fields))
        arms = tuple(ArmProgress(**arm) for arm in noted["arms"])
        return cls(noted["at"], load, noted["trials_per_second"], noted["slot_utilisation"], arms)


@dataclass(frozen=True)
class Notes:
    """All that was noted of a study.

    state: what its last run said of itself, None where there was none; `standing` tells whether that still holds
    recorded: the tracking URIs, without passwords, at which the complete study is on record
    reproduced: by arm, whether the best confirm trial came out the same when it was trained again
    pulse: the last sign of life of its loop
    submission: what was sent to a cluster and has not ended
    versions: what the runs were made with, each combination once, the first first
    remarks: what lanes had to tell, such as that a checkpoint was not usable, the latest last
    held: whether the run that holds the study is not known to be dead; None where nobody holds it, or no store can tell
    extends: the first 12 digits of the fingerprints of the studies whose trials are its own, where it asks for the same
    """

    state: State | None = None
    recorded: tuple[str, ...] = ()
    throughput: Throughput = field(default_factory=Throughput)
    reproduced: Mapping[str, bool] = field(default_factory=dict)
    pulse: Heartbeat | None = None
    submission: Mapping[str, Any] | None = None
    versions: tuple[Mapping[str, str], ...] = ()
    remarks: tuple[str, ...] = ()
    held: bool | None = None
    extends: tuple[str, ...] = ()

    @classmethod
    def read(cls, noted: Mapping[str, Any]) -> Notes:
        """The notes that a store gives."""
        state, pulse = noted.get(Note.STATE), noted.get(Note.PULSE)
        return cls(
            None if state is None else State(state),
            tuple(noted.get(Note.RECORDED, ())),
            _throughput(noted.get(Note.THROUGHPUT)),
            noted.get(Note.REPRODUCED, {}),
            None if pulse is None else Heartbeat.read(pulse),
            noted.get(Note.SUBMISSION),
            tuple(noted.get(Note.VERSIONS, ())),
            tuple(noted.get(Note.REMARKS, ())),
            noted.get(Note.HELD),
            tuple(noted.get(Note.EXTENDS, ())),
        )

    def standing(self, home: Home, now: float) -> State:
        """Where the study stands: one that says it runs, and was not heard of for a minute, was stopped by force.

        One that is on record runs as long as the run that put it there holds it: another could not begin before.
        home: where the study was looked for; a run whose state lies there holds its lock as long as it lives
        now: in seconds since the epoch
        """
        silent = self.pulse is None or now - self.pulse.at > SILENT_SECONDS
        gone = silent or self.held is False or (home.storage is None and home.deserted)
        if self.recorded:
            return State.RUNNING if self.held and not gone else State.COMPLETE
        state = self.state or State.RUNNING
        return State.INTERRUPTED if state is State.RUNNING and gone else state


def noted(reached: Throughput) -> Mapping[str, Any]:
    """A throughput as plain values, for a note."""
    effort = reached.effort
    return {
        "trials": reached.trials,
        "seconds": reached.seconds,
        "trained": effort.trained,
        "available": effort.available,
        "pack_width": reached.pack_width,
    }


def _throughput(found: Mapping[str, Any] | None) -> Throughput:
    if found is None:
        return Throughput()
    effort = Effort(found["trained"], found["available"])
    return Throughput(found["trials"], found["seconds"], effort, found["pack_width"])


def note_versions(trials: TrialStore, made_with: Mapping[str, str]) -> None:
    """Note what this run is made with, unless an earlier run of the study was made with the same."""
    known = Notes.read(trials.notes()).versions
    if made_with not in known:
        trials.note(Note.VERSIONS, [*known, made_with])


def note_extended(trials: TrialStore, marks: Sequence[str]) -> None:
    """Note which studies this one extends, and what their runs were made with, as of this one."""
    trials.note(Note.EXTENDS, marks)
    others = trials.namesakes()
    for mark in marks:
        for made_with in Notes.read(others[mark]).versions:
            note_versions(trials, made_with)
