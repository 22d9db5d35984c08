"""Checkpoints in a lane: written for the trials that it trains, and read to go on with trials of lanes that died."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import torch

from slalom.errors import InputError
from slalom_worker.training.checkpoint import Unusable, freeze, thaw
from slalom_worker.training.nets import TrainedTrial

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from slalom.wire.checkpoints import Checkpoints
    from slalom.wire.trial import Order, TrialSpec
    from slalom_worker.net.objective import Objective

NAME = "state"
"""The name of a checkpoint's file in its trial's folder. The file is written as "state.<attempt>" and then renamed, so
that a lane that was given up, but still writes, disturbs no later attempt.
"""


class LaneCheckpoints:
    """Reads and writes the checkpoints of a study's trials, one file for each trial, which is replaced atomically.

    A checkpoint that cannot be read or written costs training time but no result, so a remark is kept (see `told`) and
    the lane goes on.
    """

    def __init__(self, checkpoints: Checkpoints, device: str) -> None:
        """device: the lane's kind of device, on which numbers depend; a checkpoint of another kind is not used.

        Raises InputError where the checkpoints' folder does not exist, as on a node that does not share the home.
        """
        self._checkpoints = checkpoints
        self._packages = f"torch {torch.__version__}, numpy {np.__version__}"
        self._device = device
        self._told: list[str] = []
        if not checkpoints.folder.is_dir():
            raise InputError(
                f"checkpoint: every lane's node must see the home's folder {checkpoints.folder}, but here it is not "
                "there; put the home on a file system that all nodes share, at one path"
            )

    def told(self) -> tuple[str, ...]:
        """Remarks, for people, on checkpoints that could not be read or written since the last call."""
        told, self._told = tuple(self._told), []
        return told

    def load(self, order: Order, objective: Objective) -> TrainedTrial | None:
        """The order's trial as of its checkpoint, with its earlier reports still to be told.

        None where there is no checkpoint that can be used. Raises SlalomError where the trial cannot be trained at all.
        """
        trial = order.trial
        file = self._file(trial)
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            self._told.append(f"the checkpoint of {trial.id} cannot be read ({exc.strerror}): the trial begins anew")
            return None
        try:
            return thaw(TrainedTrial.start(order, objective), content, self._about(trial))
        except Unusable as exc:
            self._told.append(f"the checkpoint of {trial.id} {exc}; it is not used, and the trial begins anew")
            return None

    def save(self, trials: Iterable[TrainedTrial]) -> None:
        """Write the checkpoints of the trials that have one due, in place of their earlier ones."""
        every = self._checkpoints.every
        for trained in trials:
            if trained.epoch // every > trained.saved // every:
                trained.saved = trained.epoch
                try:
                    self._write(trained)
                except OSError as exc:
                    self._told.append(
                        f"the checkpoint of {trained.trial.id} after epoch {trained.epoch} cannot be written "
                        f"({exc.strerror}); the trial goes on without"
                    )

    def _write(self, trained: TrainedTrial) -> None:
        trial = trained.trial
        file = self._file(trial)
        draft = file.with_name(f"{NAME}.{trial.attempt}")
        file.parent.mkdir(exist_ok=True)
        with draft.open("wb") as out:
            out.write(freeze(trained, self._about(trial)))
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
        _sync(file.parent)

    def _file(self, trial: TrialSpec) -> Path:
        return self._checkpoints.of(trial.id) / NAME

    def _about(self, trial: TrialSpec) -> dict[str, str]:
        known = self._checkpoints
        return {
            "study": known.study,
            "trial": trial.mark,
            "code": known.code,
            "packages": self._packages,
            "device": self._device,
        }


def _sync(folder: Path) -> None:
    """Flush the folder's entries to the disk, so that a replaced file stays replaced after a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
