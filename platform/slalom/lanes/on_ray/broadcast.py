"""The task's data in Ray's object store: put there once, copied once to each node, and read in place by its lanes.

Where the store of a node is too small for the data, Ray writes them into a file in its temporary folder. The lanes map
that file as they map shared memory: it is slower to write, and the same to read.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from slalom.errors import Infrastructure

if TYPE_CHECKING:
    from collections.abc import Sequence

TAKE_SECONDS = 100.0
"""The time within which a node must have the data; less than a lane may take to start, so that the reason is told."""

PLACES = "see its object store (`ray memory`) and the disk of Ray's temporary folder (`df`)"


def size(data: object | None) -> int:
    """How many bytes the arrays within the data take in the store."""
    buffers: list[pickle.PickleBuffer] = []
    pickle.dumps(data, protocol=5, buffer_callback=buffers.append)
    return sum(buffer.raw().nbytes for buffer in buffers)


def put(ray: Any, data: object | None) -> list[Any]:
    """Put the data into the store of the driver's node; returns a list of the reference to them, empty without data.

    The data stay there as long as the reference is kept.
    Raises Infrastructure where they find no place.
    """
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
    """The data that `put` put there, with read-only arrays in memory that all lanes of the node share.

    Raises Infrastructure where the data do not reach this node within TAKE_SECONDS.
    """
    import ray

    try:
        found: list[Any] = ray.get(list(references), timeout=TAKE_SECONDS)
    except ray.exceptions.GetTimeoutError as exc:
        raise Infrastructure(f"the task's data did not reach this node within {TAKE_SECONDS:g} s") from exc
    except ray.exceptions.RayError as exc:
        raise Infrastructure(f"the task's data did not reach this node, {PLACES} ({type(exc).__name__})") from exc
    return found
