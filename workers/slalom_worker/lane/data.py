"""Data that a lane loads itself, checked against the study's."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from slalom.errors import InputError
from slalom.wire.trial import task_key
from slalom_worker.tasks import load_split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.wire.trial import Work
    from slalom_worker.tasks import Data, Task


def checked_split(task: Task, work: Work, digests: Mapping[str, str]) -> Data:
    """Load the data of a program's split; InputError where this node's files give others than the study was read with.

    digests: of the data of tasks, each of its own split, by `task_key`; data of a split beside these are not checked
    """
    data = load_split(task, work.split)
    digest = None if work.split else digests.get(task_key(work.task))
    if digest is not None and data.digest() != digest:
        raise InputError(
            f"every node must have the study's data, of the digest {digest[:12]}, but {platform.node()} "
            f"has others, of the digest {data.digest()[:12]}; are its files and its packages, such as Pillow, the same?"
        )
    return data
