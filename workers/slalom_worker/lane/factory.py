"""How a lane's process makes its worker. The module loads without torch, which the first call imports."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slalom.wire.checkpoints import Checkpoints
    from slalom_worker.lane.alone import AloneWorker
    from slalom_worker.lane.worker import LaneWorker
    from slalom_worker.tasks import Data


def lane_worker(
    folder: Path | str,
    width: int | None,
    data: Data | None = None,
    *,
    digest: str | None = None,
    checkpoints: Checkpoints | None = None,
    device: str = "auto",
) -> LaneWorker:
    """A worker in this process, its device opened.

    folder: where the user's own files lie
    width: slots of a pack; None for the fastest, measured once for a program on a kind of machine and kept in the
        user's cache folder on the lane's node
    data: the task's data, or None where the worker loads them itself
    digest: of the data that a worker must have loaded; None where they differ by trial
    checkpoints: of the study, or None where it keeps none
    device: "gpu", "cpu", or "auto" for a GPU where there is one
    Raises Infrastructure where a GPU is asked for and torch can use none.
    """
    from slalom_worker.lane.device import open_device
    from slalom_worker.lane.width import best_width
    from slalom_worker.lane.worker import LaneWorker

    fitting = partial(best_width, file=_width_file())
    opened = open_device(device)
    return LaneWorker(folder, width or fitting, device=opened, data=data, digest=digest, checkpoints=checkpoints)


def alone_worker(folder: Path | str, metric: str, threads: int, *, device: str) -> AloneWorker:
    """A worker in this process for a user's training function, its device opened.

    folder: where the user's file lies
    metric: the study's
    threads: of numerical libraries on the CPU
    device: "gpu", "auto" for a GPU where there is one, or "cpu": one that the process could see is not the trials' then
    Raises Infrastructure where a GPU is asked for and torch can use none.
    """
    from slalom_worker.lane.alone import AloneWorker
    from slalom_worker.lane.device import open_device

    return AloneWorker(folder, metric, threads, device=open_device(device))


def _width_file() -> Path:
    """The file with the widths that a node's lanes measured, in the cache folder that the environment names."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "slalom" / "widths.json"
