"""What goes wrong, and how: each fault has a stage for its rounds, and ways to strike."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.chaos import stages
from tests.chaos.stages import FOR_A_WHILE, KILL, RESTART, STOP, TERM, TO_THE_END, Stage
from tests.support.postgres import binaries


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    stage: given a folder, what its rounds stand on, until the block is left
    refusal: why this machine does not permit it; None where it does
    """

    name: str
    ways: tuple[str, ...]
    stage: Callable[[Path], AbstractContextManager[Stage]]
    refusal: Callable[[], str | None] = lambda: None


def no_mounts() -> str | None:
    """Why nothing can be mounted here."""
    done = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    return done.stderr.decode().strip() if done.returncode or os.getuid() else None


def no_namespaces() -> str | None:
    """Why there can be no networks of one's own here."""
    if os.getuid():
        return "to join two networks takes root"
    done = subprocess.run(["unshare", "-n", "ip", "link"], capture_output=True, check=False)
    return done.stderr.decode().strip() if done.returncode else None


def no_postgresql() -> str | None:
    """Why there is no PostgreSQL here."""
    return None if binaries() else "PostgreSQL is not installed"


SHORT = Fault("driver, lanes in its process", (TERM, KILL, STOP, RESTART), partial(stages.driver, local=True))
"""The one that a test plays too: it needs no Ray."""

FAULTS = (
    Fault("driver", (TERM, KILL, STOP, RESTART), stages.driver),
    SHORT,
    Fault("lane", (TERM, KILL, STOP), stages.lane),
    Fault("raylet", (TERM, KILL, STOP), partial(stages.part, "/raylet")),
    Fault("node", (TERM, KILL, STOP), stages.node),
    Fault("Ray's head", (TERM, KILL, STOP), partial(stages.part, "/gcs_server")),
    Fault("PostgreSQL", (TERM, KILL, STOP, RESTART), stages.postgresql, no_postgresql),
    Fault("MLflow server", (TERM, KILL, STOP, RESTART), stages.mlflow),
    Fault("artifact folder unwritable", (FOR_A_WHILE, TO_THE_END), stages.artifacts, no_mounts),
    Fault("disk full", (FOR_A_WHILE, TO_THE_END), stages.disk, no_mounts),
    Fault("clock jumped", ("an hour on", "a day back", "a year on"), stages.clock),
    Fault("network between two nodes cut", (FOR_A_WHILE, "for 45 s"), stages.network, no_namespaces),
)
"""The kinds of faults, and the ways of each."""
