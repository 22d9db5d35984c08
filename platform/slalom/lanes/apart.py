"""Lanes in a process of their own: a crash or a hang of their library does not reach the loop's process.

Ray ends the process that is connected to it where the node's raylet or the cluster's head is gone. Here that is a
process which nobody else needs; the loop is told by an exception, writes down what there is, and ends as it does
otherwise.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import cloudpickle

from slalom.errors import Infrastructure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slalom.lanes.base import Demand, Lanes, News
    from slalom.wire.trial import Turn

PATIENCE_SECONDS = 180
"""How long an answer is waited for, beyond the time that the call itself may take."""

MAKE_SECONDS = 24 * 3600
"""How long the first answer is waited for: the task's data are loaded before it."""

CLOSE_SECONDS = 5.0
"""The time in which the process must have closed its lanes and ended; after it the process is killed."""

START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from slalom.lanes.apart_process import serve; serve()"

LOG_PREFIX = re.compile(r"^\[[^\]]*\] *(?:\S+:\d+: *)?")
"""What stands before the text of a line of Ray's log: time, process, thread, file and line."""

LONGEST_REASON = 300


class RaisedThere(Exception):
    """The cause of an exception that was raised in the other process: its trace there, as a text."""


class ApartLanes:
    """`Lanes` that another process holds. The loop's thread alone calls it, as it does any other lanes.

    The other process ends with this one, however this one ends: it sees that the socket between them is closed, and on
    Linux a signal ends it at once. It has no controlling terminal, so a Ctrl-C does not reach it.
    """

    def __init__(self, make: Callable[[], Lanes], what: str) -> None:
        """Start the process and make the lanes there.

        make: makes the lanes; it travels to the process, with what it holds
        what: the library, for messages, such as "Ray"
        Raises what `make` raises, and Infrastructure where the process dies.
        """
        self._what = what
        self._names: Sequence[str] = []
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the lanes)
        here, there = socket.socketpair()
        with there:
            fds = (there.fileno(), self._log.fileno())
            words = [json.dumps(sys.path), *map(str, fds), str(os.getpid())]
            self._process = subprocess.Popen(  # noqa: S603 (our own command)
                [sys.executable, "-c", START, *words],
                stdin=subprocess.DEVNULL,
                stdout=2,  # what the user's code prints while its data are loaded
                pass_fds=fds,
                start_new_session=True,
            )
        self._line = Connection(here.detach())
        try:
            self._send(sys.argv[:1], cloudpickle.dumps(make))
            self._answer(MAKE_SECONDS)
        except BaseException:
            self.close()
            raise

    @property
    def process(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def names(self) -> Sequence[str]:
        """See `Lanes`; as they were at the last answer."""
        return self._names

    def size(self, demand: Demand) -> Sequence[int]:
        """See `Lanes`."""
        self._send("size", demand)
        recalled: Sequence[int] = self._answer()
        return recalled

    def release(self, lane: int) -> None:
        """See `Lanes`; what goes wrong there is raised by the next call that has an answer."""
        self._send("release", lane)

    def send(self, lane: int, turn: Turn) -> None:
        """See `Lanes`; what goes wrong there is raised by the next call that has an answer."""
        self._send("send", lane, turn)

    def collect(self, timeout: float) -> Sequence[tuple[int, News]]:
        """See `Lanes`."""
        self._send("collect", timeout)
        news: Sequence[tuple[int, News]] = self._answer(PATIENCE_SECONDS + int(timeout))
        return news

    def close(self) -> None:
        """Have the process close its lanes and end, within CLOSE_SECONDS; a second call does nothing."""
        self._line.close()
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _send(self, *message: Any) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # it has died, which the next answer tells
            self._line.send_bytes(pickle.dumps(message, protocol=5))

    def _answer(self, patience: int = PATIENCE_SECONDS) -> Any:
        """The answer to the last call; raises what the call raised.

        patience: seconds to wait, without those in which this process itself was stopped
        Raises Infrastructure where no answer comes in that time, or where the other process has ended.
        """
        try:
            if not any(self._line.poll(1.0) or self._ended for _ in range(patience)):
                raise Infrastructure(f"{self._what} has not answered for {patience} s: {self._how_to_go_on}")
            if not self._line.poll():
                raise EOFError
            names, trace, value = pickle.loads(self._line.recv_bytes())  # noqa: S301 (of our own process)
        except (EOFError, ConnectionResetError) as exc:
            raise Infrastructure(self._reason()) from exc
        self._names = self._names if names is None else names
        if trace is not None:
            raise value from RaisedThere(trace)
        return value

    @property
    def _ended(self) -> bool:
        """Whether the process has ended; the processes that it has started may still hold its end of the line."""
        return self._process.poll() is not None

    @property
    def _how_to_go_on(self) -> str:
        return "the same command goes on once it is there again"

    def _reason(self) -> str:
        """Why the process has ended, from the last line that it logged."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(CLOSE_SECONDS)
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        said = LOG_PREFIX.sub("", lines[-1])[:LONGEST_REASON] if lines else f"exit code {self._process.returncode}"
        return (
            f"{self._what} is gone, and has ended the process that was connected to it ({said}): {self._how_to_go_on}"
        )
