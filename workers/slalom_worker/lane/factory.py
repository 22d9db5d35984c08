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
) -> LaneWorker:
    """A worker in this process, its device opened.

    folder: where the user's own files lie
    width: slots of a pack; None for the fastest, measured once for a program on a kind of machine and kept in the
        user's cache folder on the lane's node
    data: the task's data, or None where the worker loads them itself
    digest: of the data that a worker must have loaded; None where they differ by trial
    checkpoints: of the study, or None where it keeps none
    """
    from slalom_worker.lane.width import best_width
    from slalom_worker.lane.worker import LaneWorker

    fitting = partial(best_width, file=_width_file())
    return LaneWorker(folder, width or fitting, data=data, digest=digest, checkpoints=checkpoints)


def alone_worker(folder: Path | str, metric: str, threads: int, *, on_gpu: bool) -> AloneWorker:
    """A worker in this process for a user's training function, its device opened.

    folder: where the user's file lies
    metric: the study's
    threads: of numerical libraries on the CPU
    on_gpu: whether trials have a GPU; where they have none, one that the process could see is not theirs
    """
    from slalom_worker.lane.alone import AloneWorker
    from slalom_worker.lane.device import CPU, open_device

    device = open_device()
    return AloneWorker(folder, metric, threads, device=device if on_gpu else CPU)


def _width_file() -> Path:
    """The file with the widths that a node's lanes measured, in the cache folder that the environment names."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "slalom" / "widths.json"
