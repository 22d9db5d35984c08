"""How a lane's process makes its worker; loads without torch, which the process imports when it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from slalom_worker.lane.worker import LaneWorker
    from slalom_worker.tasks import Data


def lane_worker(folder: Path | str, width: int | None, data: Data | None = None) -> LaneWorker:
    """A worker with the user's task file in `folder` and packs of `width` slots, or as many as fit.

    data: the task's, where the worker is not to load them itself
    """
    from slalom_worker.lane.worker import LaneWorker

    return LaneWorker(folder, width, data=data)
