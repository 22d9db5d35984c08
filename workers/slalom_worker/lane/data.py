"""The data that a lane loads itself."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from slalom.errors import InputError
from slalom_worker.tasks import load_split

if TYPE_CHECKING:
    from slalom_worker.tasks import Data, Task


def checked_split(task: Task, split: int | None, digest: str | None) -> Data:
    """The data of a split; InputError where this node has made others of its files than the study was read with.

    digest: of data that each node makes for itself; None checks nothing
    """
    data = load_split(task, split)
    if digest is not None and data.inputs_digest is not None and data.digest() != digest:
        raise InputError(
            f"every node must have the study's pictures, of the digest {digest[:12]}, but {platform.node()} "
            f"has others, of the digest {data.digest()[:12]}; are its files, and its version of Pillow, the same?"
        )
    return data
