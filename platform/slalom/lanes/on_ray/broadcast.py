"""The task's data in Ray's object store: put there once, taken once by each node, read in place by its lanes.

Where the store of a node is too small for them, Ray lays them into a file in its temporary folder, which the lanes map
as they map shared memory: slower to put there, the same to read.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from slalom.errors import Infrastructure

if TYPE_CHECKING:
    from collections.abc import Sequence

TAKE_SECONDS = 100.0
"""In which a node must have the data; less than a lane has to start, so that it is told why it does not."""

PLACES = "see its object store (`ray memory`) and the disk of Ray's temporary folder (`df`)"


def size(data: object | None) -> int:
    """Bytes of the arrays within, as they lie in the store."""
    buffers: list[pickle.PickleBuffer] = []
    pickle.dumps(data, protocol=5, buffer_callback=buffers.append)
    return sum(buffer.raw().nbytes for buffer in buffers)


def put(ray: Any, data: object | None) -> list[Any]:
    """The reference to the data, or none. They stay in the store of the driver's node as long as it is kept."""
    if data is None:
        return []
    try:
        return [ray.put(data)]
    except ray.exceptions.RayError as exc:
        raise Infrastructure(
            f"the task's data, {size(data) / 1e6:.0f} MB, find no place on the driver's node, {PLACES} "
            f"({type(exc).__name__})"
        ) from exc


def take(references: Sequence[Any]) -> list[Any]:
    """What was put, its arrays read-only and in the memory that all lanes of a node share."""
    import ray

    try:
        found: list[Any] = ray.get(list(references), timeout=TAKE_SECONDS)
    except ray.exceptions.GetTimeoutError as exc:
        raise Infrastructure(f"the task's data did not reach this node within {TAKE_SECONDS:g} s") from exc
    except ray.exceptions.RayError as exc:
        raise Infrastructure(f"the task's data did not reach this node, {PLACES} ({type(exc).__name__})") from exc
    return found
