"""What a loop keeps beside results: checkpoints of trials that are not over, and remarks that lanes made."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from slalom.loop.notes import Note, Notes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slalom.search.base import TrialStore
    from slalom.wire.checkpoints import Checkpoints
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


class Remarks:
    """What lanes had to tell of a study, in its store; the loop's thread alone calls it."""

    def __init__(self, store: TrialStore) -> None:
        self._store = store
        self._known = list(Notes.read(store.notes()).remarks)

    def add(self, told: Sequence[str]) -> None:
        """Write down what was told, each text once."""
        fresh = [text for text in dict.fromkeys(told) if text not in self._known]
        if fresh:
            self._known = [*self._known, *fresh][-MOST_REMARKS:]
            self._store.note(Note.REMARKS, self._known)
