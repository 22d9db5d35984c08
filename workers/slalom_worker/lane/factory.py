"""Makes a lane's worker in the lane's process. The module loads without torch, which the first call imports."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.wire.checkpoints import Checkpoints
    from slalom_worker.lane.alone import AloneWorker
    from slalom_worker.lane.worker import LaneWorker
    from slalom_worker.tasks import Data


def lane_worker(
    folder: Path | str,
    width: int | None,
    data: Data | None = None,
    *,
    digests: Mapping[str, str] | None = None,
    checkpoints: Checkpoints | None = None,
    device: str = "auto",
) -> LaneWorker:
    """Open the device and make a worker that trains packs in this process.

    folder: where the user's own files lie
    width: slots of a pack; None for the fastest width, measured once for a program on a kind of machine and kept in the
        user's cache folder on the lane's node
    data: the task's data, or None where the worker loads them itself
    digests: see LaneWorker
    checkpoints: where and how often the study's checkpoints are written, or None for no checkpoints
    device: "gpu", "cpu", or "auto" for a GPU where there is one
    Raises Infrastructure where a GPU is asked for and torch can use none.
    """
    from slalom_worker.lane.device import open_device
    from slalom_worker.lane.width import best_width
    from slalom_worker.lane.worker import LaneWorker

    fitting = partial(best_width, file=_width_file())
    opened = open_device(device)
    return LaneWorker(folder, width or fitting, device=opened, data=data, digests=digests, checkpoints=checkpoints)


def alone_worker(folder: Path | str, metric: str, threads: int, *, device: str) -> AloneWorker:
    """Open the device and make a worker that trains by a user's training function in this process.

    folder: where the user's file lies
    metric: the name of the study's metric
    threads: how many threads numerical libraries use on the CPU
    device: "gpu", "auto" for a GPU where there is one, or "cpu", even where the process sees a GPU
    Raises Infrastructure where a GPU is asked for and torch can use none.
    """
    from slalom_worker.lane.alone import AloneWorker
    from slalom_worker.lane.device import open_device

    return AloneWorker(folder, metric, threads, device=open_device(device))


def _width_file() -> Path:
    """The file with the widths that this node's lanes have measured: below $XDG_CACHE_HOME, or else below ~/.cache."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "slalom" / "widths.json"
