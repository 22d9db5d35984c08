"""Runs as processes of their own, each with a log file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from slalom.errors import Infrastructure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from slalom.schedule.values import Run


class Process:
    """A command as the leader of its own process group: the `Child` of a scheduler on this machine.

    The thread that makes a Process must live as long as the command: on Linux the command is sent SIGINT when that
    thread ends.
    """

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        """Start the command; raises Infrastructure where it cannot be started, or its log not be written.

        command: a program by its whole path, and its arguments
        log: the file that the command's output is appended to
        environment: variables that the command finds beside this process's own
        """
        guard = [sys.executable, "-m", "slalom.schedule.parent_guard", str(os.getpid())]
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as out:
                self._process = subprocess.Popen(  # noqa: S603
                    [*guard, *command],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    start_new_session=True,
                    env={**os.environ, **environment},
                )
        except OSError as exc:
            raise Infrastructure(f"cannot start a run with its log {log}: {exc.strerror}") from exc

    def poll(self) -> int | None:
        """See `Child`."""
        return self._process.poll()

    def interrupt(self) -> None:
        """See `Child`; the command alone is interrupted, and stops what it started."""
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """See `Child`."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Spawn:
    """Starts runs as processes.

    command: gives the command line that does a run
    logs: the folder of the runs' log files
    environment: as in Process, the same for all
    """

    command: Callable[[Run], Sequence[str]]
    logs: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, run: Run) -> Process:
        """See `Scheduler.spawn`."""
        return Process(self.command(run), self.logs / log_name(run), self.environment)


def log_name(run: Run) -> str:
    """The name of a run's log file, such as nightly-20261124T030000Z.log; a later attempt's ends in -2, -3."""
    due = datetime.fromtimestamp(run.due, UTC).strftime("%Y%m%dT%H%M%SZ")
    again = f"-{run.attempt + 1}" if run.attempt else ""
    return f"{run.schedule}-{due}{again}.log"
