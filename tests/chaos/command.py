"""The commands that a round strikes: with Ray, or with lanes in their own process, so that Ray need not start.

A command is a fork of a process that has loaded what it needs, where that makes no difference: most of a small
study's seconds are imports.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from slalom_worker.lane.environment import pin_kernels

LOADED = (
    "slalom.cli.main",
    "slalom.loop.run",
    "slalom.records.on_mlflow",
    "slalom.report.page.page",
    "slalom.search.on_optuna",
    "slalom_worker.lane.worker",
)
"""What a run imports before it ends; not Ray, which does not stand a fork."""

HERE = Path(__file__).parents[2]


class Command(Protocol):
    """A command under way."""

    pid: int

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""

    def wait(self) -> int:
        """Its exit code, once it has ended."""


class Forked:
    """A command that is a fork."""

    def __init__(self, process: Any) -> None:
        self._process = process
        self.pid: int = process.pid

    def poll(self) -> int | None:
        """See `Command`."""
        code: int | None = self._process.exitcode
        return code

    def wait(self) -> int:
        """See `Command`."""
        self._process.join()
        code: int = self._process.exitcode
        return code


def forked(words: Sequence[str], variables: Mapping[str, str], log: Path, *, local: bool) -> Command:
    """Start `slalom` with these words, in a session of its own, whose output is added to the log.

    variables: added to the environment; those that Python reads when it starts change nothing
    local: lanes in the command's process
    """
    process = _context().Process(target=_obey, args=([*words], dict(variables), str(log), local))
    process.start()
    return Forked(process)


def started(
    words: Sequence[str], variables: Mapping[str, str], log: Path, *, local: bool, prefix: Sequence[str] = ()
) -> Command:
    """The same without a fork, by a new Python; prefix: words that run it."""
    with log.open("ab") as file:
        return subprocess.Popen(
            [*prefix, sys.executable, "-m", "tests.chaos.command", "local" if local else "ray", *words],
            stdin=subprocess.DEVNULL,
            cwd=HERE,
            stdout=file,
            stderr=file,
            env={**os.environ, **variables},
            start_new_session=True,
        )


@cache
def _context() -> Any:
    pin_kernels()  # before the process that is forked imports numpy
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*LOADED])
    return context


def _obey(words: list[str], variables: dict[str, str], log: str, local: bool) -> None:
    os.setsid()
    with Path(log).open("ab") as file, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    os.chdir(HERE)
    os.environ.update(variables)
    tempfile.tempdir = None  # found anew, as the variables say
    sys.exit(obey(words, local=local))


def obey(words: Sequence[str], *, local: bool) -> int:
    """The command `slalom` in this process; its exit code."""
    from slalom import wiring
    from slalom.cli.main import main

    if local:
        wiring.ray_lanes = lambda spec, address=None: wiring.local_lanes(spec)
    return main([*words])


if __name__ == "__main__":
    sys.exit(obey(sys.argv[2:], local=sys.argv[1] == "local"))
