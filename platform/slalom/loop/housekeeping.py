"""What the loop keeps beside results: the checkpoints of trials in training, and the remarks of lanes."""

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
"""How many remarks of a study are kept: the latest."""


def forget(checkpoints: Checkpoints | None, trials: Iterable[TrialId]) -> None:
    """Remove the checkpoints of these trials, which are over."""
    if checkpoints is None:
        return
    for trial in trials:
        # a lane that was given up may still write there: `remove_checkpoints` removes what it leaves
        shutil.rmtree(checkpoints.of(trial), ignore_errors=True)


def with_checkpoints(spec: StudySpec, home: Home, code: str) -> StudySpec:
    """The study with the folder of its checkpoints, which is made; unchanged where the study keeps none.

    code: a digest of the code that trains
    Raises InputError where the folder cannot be made.
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
    """Remove all checkpoints of a complete study, those of earlier runs and of lanes that were given up too."""
    folder = home.checkpoints(fingerprint)
    if folder.exists():
        shutil.rmtree(folder)
    with suppress(OSError):  # not empty where other studies have checkpoints
        folder.parent.rmdir()


class Remarks:
    """Keeps the remarks of lanes in a study's store; only the loop's thread calls it."""

    def __init__(self, store: TrialStore) -> None:
        self._store = store
        self._known = list(Notes.read(store.notes()).remarks)

    def add(self, told: Sequence[str]) -> Sequence[str]:
        """Note the remarks that are new, each text once; returns these."""
        fresh = [text for text in dict.fromkeys(told) if text not in self._known]
        if fresh:
            self._known = [*self._known, *fresh][-MOST_REMARKS:]
            self._store.note(Note.REMARKS, self._known)
        return fresh
