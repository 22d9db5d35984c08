"""What a loop keeps beside results: checkpoints of trials that are not over, and remarks that lanes made."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from slalom.errors import InputError
from slalom.loop.notes import Note, Notes
from slalom.wire.checkpoints import Checkpoints

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slalom.home import Home
    from slalom.search.base import TrialStore
    from slalom.study.model import StudySpec
    from slalom.wire.trial import TrialId

MOST_REMARKS = 50
"""Remarks of a study that are kept, the latest."""


def forget(checkpoints: Checkpoints | None, trials: Iterable[TrialId]) -> None:
    """Remove the checkpoints of trials that are over."""
    if checkpoints is None:
        return
    for trial in trials:
        # a lane that was given up may write there still: what it leaves goes with the study's folder
        shutil.rmtree(checkpoints.of(trial), ignore_errors=True)


def with_checkpoints(spec: StudySpec, home: Home, code: str) -> StudySpec:
    """The study with the place of its checkpoints, where it keeps any; the place is made.

    code: a digest of the code that trains
    """
    if spec.checkpoint_every is None:
        return spec
    folder = home.checkpoints(spec.fingerprint)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise InputError(f"--home: cannot write checkpoints to {folder}: {exc.strerror}") from exc
    return replace(spec, checkpoints=Checkpoints(spec.checkpoint_every, folder, spec.fingerprint, code))


def remove_checkpoints(home: Home, fingerprint: str) -> None:
    """Remove what is left of a complete study's, also of earlier runs and of lanes that were given up."""
    folder = home.checkpoints(fingerprint)
    if folder.exists():
        shutil.rmtree(folder)
    with suppress(OSError):  # of other studies there are some
        folder.parent.rmdir()


class Remarks:
    """What lanes had to tell of a study, in its store; the loop's thread alone calls it."""

    def __init__(self, store: TrialStore) -> None:
        self._store = store
        self._known = list(Notes.read(store.notes()).remarks)

    def add(self, told: Sequence[str]) -> Sequence[str]:
        """Write down what was told, each text once; returns those that were not known."""
        fresh = [text for text in dict.fromkeys(told) if text not in self._known]
        if fresh:
            self._known = [*self._known, *fresh][-MOST_REMARKS:]
            self._store.note(Note.REMARKS, self._known)
        return fresh
