"""How a lane's process makes its worker; loads without torch, which the process imports when it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from slalom_worker.lane import LaneWorker


def lane_worker(folder: Path | str, width: int | None) -> LaneWorker:
    """A worker with the user's task file in `folder` and packs of `width` slots, or as many as fit."""
    from slalom_worker.lane import LaneWorker

    return LaneWorker(folder, width)
