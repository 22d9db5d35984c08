"""Where the checkpoints of a study's trials lie, and which study and code a trial can resume from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from slalom.wire.trial import TrialId


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one study: files that lanes write and read, and that the loop removes.

    every: epochs between two checkpoints of a trial
    folder: of this study alone, on a file system that the loop and every lane's node see at this path
    study: the study's fingerprint, and code: a digest of Slalom's own sources: a checkpoint of others is not used
    """

    every: int
    folder: Path
    study: str
    code: str

    def of(self, trial: TrialId) -> Path:
        """The folder of a trial's checkpoint, which no other trial has."""
        return self.folder / f"{trial.arm}-{trial.search}-{trial.phase}-{trial.number}"
