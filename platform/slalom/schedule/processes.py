"""Runs as processes of their own, each with a log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from slalom.errors import Infrastructure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from slalom.schedule.values import Run


class Process:
    """A command at the head of a process group; one thread starts it and outlives it, or it is interrupted."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        """command: a program by its whole path, and its arguments; log: what it prints is appended there."""
        tether = [sys.executable, "-m", "slalom.schedule.tether", str(os.getpid())]
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as out:
                self._process = subprocess.Popen(  # noqa: S603
                    [*tether, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
                )
        except OSError as exc:
            raise Infrastructure(f"cannot start a run with its log {log}: {exc.strerror}") from exc

    def poll(self) -> int | None:
        """See `Child`."""
        return self._process.poll()

    def interrupt(self) -> None:
        """See `Child`: the command itself, which stops what it started."""
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """See `Child`."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Spawn:
    """Starts runs. command: what does a run; logs: a folder with a file for each."""

    command: Callable[[Run], Sequence[str]]
    logs: Path

    def __call__(self, run: Run) -> Process:
        """See `Scheduler.spawn`."""
        return Process(self.command(run), self.logs / log_name(run))


def log_name(run: Run) -> str:
    """The file that a run's output goes to, such as nightly-20261124T030000Z.log."""
    due = datetime.fromtimestamp(run.due, UTC).strftime("%Y%m%dT%H%M%SZ")
    again = f"-{run.attempt + 1}" if run.attempt else ""
    return f"{run.schedule}-{due}{again}.log"
