"""The process that holds lanes for another one, see `slalom.lanes.apart`."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slalom.lanes.base import Lanes

PR_SET_PDEATHSIG = 1

OUTPUTS = (1, 2)

ANSWERED = ("size", "collect")
"""The calls that have an answer."""


def serve() -> None:
    """Make the lanes, and do what the other process asks for until the line to it is cut."""
    _, _, line, log, parent = sys.argv
    _end_with(int(parent))
    os.set_inheritable(int(line), False)
    connection = Connection(int(line))
    try:
        (argv, make) = _received(connection)
        sys.argv = list(argv)
        lanes = _made(connection, make)
        if lanes is not None:
            # Ray's own lines are no lines for people.
            for output in OUTPUTS:
                os.dup2(int(log), output)
            _work(connection, lanes)
    except (EOFError, ConnectionResetError, BrokenPipeError):
        return


def _made(connection: Connection, make: bytes) -> Lanes | None:
    """The lanes; None where they could not be made, which the other process is told."""
    try:
        lanes: Lanes = pickle.loads(make)()  # noqa: S301 (of our own process)
    except Exception as exc:  # noqa: BLE001 (raised there)
        _raise_there(connection, exc)
        return None
    _tell(connection, (list(lanes.names), None, None))
    return lanes


def _work(connection: Connection, lanes: Lanes) -> None:
    """Do one call after the other, and close the lanes in the end."""
    names, failure = list(lanes.names), None
    try:
        while True:
            name, *arguments = _received(connection)
            try:
                if failure is not None:
                    raise failure
                value = getattr(lanes, name)(*arguments)
            except Exception as exc:  # noqa: BLE001 (raised there)
                failure = exc
                if name in ANSWERED:
                    _raise_there(connection, exc)
                continue
            if name in ANSWERED:
                before, names = names, list(lanes.names)
                _tell(connection, (None if names == before else names, None, value))
    finally:
        lanes.close()


def _raise_there(connection: Connection, exc: Exception) -> None:
    """Have the other process raise an exception, with its trace here as the cause."""
    trace = "".join(traceback.format_exception(exc))
    try:
        pickle.loads(pickle.dumps(exc))  # noqa: S301 (made here)
    except Exception:  # noqa: BLE001 (whatever it is, the exception does not travel)
        exc = RuntimeError(f"{type(exc).__name__}: {exc}")
    _tell(connection, (None, trace, exc))


def _tell(connection: Connection, message: Any) -> None:
    connection.send_bytes(pickle.dumps(message, protocol=5))


def _received(connection: Connection) -> Any:
    return pickle.loads(connection.recv_bytes())  # noqa: S301 (of our own process)


def _end_with(parent: int) -> None:
    """Have Linux end this process when its parent ends; elsewhere the line that is cut does, once it is looked at."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit
