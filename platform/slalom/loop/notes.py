"""The notes of a study as a whole, beside its trials, and the rule by which they give the study's state."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
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
"""A running study that has noted no pulse for so long counts as stopped."""


class Note(StrEnum):
    """The names of the notes in a study's store; see `Notes`.

    STATE: what the last run said of itself; RECORDED: the tracking URIs where the complete study is on record;
    THROUGHPUT: of all runs; WIDTHS: of packs, by kind of device and by program; REPRODUCED: by arm; PULSE: the running
    loop's last sign of life; SUBMISSION: what was sent to a cluster and has not ended; VERSIONS: of the software of
    each run; REMARKS: of lanes; IDENTITY: what the numbers of the study depend on; EXTENDS: the first 12 digits of the
    fingerprints of the studies that it extends; HELD, which the store itself gives: whether a run holds the study and
    is not known to be dead
    """

    STATE = "state"
    RECORDED = "recorded"
    THROUGHPUT = "throughput"
    WIDTHS = "widths"
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
    """How a running study stood at one time.

    at: in seconds since the epoch
    trials_per_second: of this run; slot_utilisation: of all runs, or None before anything was trained
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
        """The heartbeat from the plain values that `noted` gave."""
        load = Load(*(noted[name] for name in Load._fields))
        arms = tuple(ArmProgress(**arm) for arm in noted["arms"])
        return cls(noted["at"], load, noted["trials_per_second"], noted["slot_utilisation"], arms)


@dataclass(frozen=True)
class Notes:
    """All notes of a study.

    state: what the last run said of itself, None where there was none; `standing` tells whether that still holds
    recorded: the tracking URIs, without passwords, at which the complete study is on record
    reproduced: by arm, whether the best confirm trial came out the same when it was trained again
    pulse: the last sign of life of the study's loop
    submission: what was sent to a cluster and has not ended
    versions: the software that the runs were made with, each combination once, the first first
    remarks: of lanes, such as that a checkpoint was not usable, the latest last
    held: False where the run that holds the study is known to be dead, else True; None where no run holds the study
    extends: the first 12 digits of the fingerprints of the studies whose trials this study takes where it has the same
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
        """The notes from what `TrialStore.notes` gives."""
        state, pulse = noted.get(Note.STATE), noted.get(Note.PULSE)
        return cls(
            None if state is None else State(state),
            tuple(noted.get(Note.RECORDED, ())),
            replace(_throughput(noted.get(Note.THROUGHPUT)), widths=noted.get(Note.WIDTHS, {})),
            noted.get(Note.REPRODUCED, {}),
            None if pulse is None else Heartbeat.read(pulse),
            noted.get(Note.SUBMISSION),
            tuple(noted.get(Note.VERSIONS, ())),
            tuple(noted.get(Note.REMARKS, ())),
            noted.get(Note.HELD),
            tuple(noted.get(Note.EXTENDS, ())),
        )

    def standing(self, home: Home, now: float) -> State:
        """The study's state: a running study without a pulse for SILENT_SECONDS was stopped by force.

        A study on record still counts as running while the run that recorded it holds it: no other run could begin.
        home: where the study was looked for; a run whose state lies there holds the home's lock as long as it lives
        now: in seconds since the epoch
        """
        silent = self.pulse is None or now - self.pulse.at > SILENT_SECONDS
        gone = silent or self.held is False or (home.storage is None and home.deserted)
        if self.recorded:
            return State.RUNNING if self.held and not gone else State.COMPLETE
        state = self.state or State.RUNNING
        return State.INTERRUPTED if state is State.RUNNING and gone else state


def noted(reached: Throughput) -> Mapping[str, Any]:
    """A throughput as plain values for a note, without the pack widths, which have a note of their own."""
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
    """Note the software that this run is made with, unless an earlier run of the study was made with the same."""
    known = Notes.read(trials.notes()).versions
    if made_with not in known:
        trials.note(Note.VERSIONS, [*known, made_with])


def note_extended(trials: TrialStore, marks: Sequence[str]) -> None:
    """Note which studies this one extends, and the software of their runs as that of this study's."""
    trials.note(Note.EXTENDS, marks)
    others = trials.namesakes()
    for mark in marks:
        for made_with in Notes.read(others[mark]).versions:
            note_versions(trials, made_with)
