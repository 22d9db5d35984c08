"""A scheduler in real time, until it is told to stop."""

from __future__ import annotations

import os
import secrets
import socket
import time
from typing import TYPE_CHECKING

from slalom.errors import Infrastructure

if TYPE_CHECKING:
    from collections.abc import Callable

    from slalom.schedule.scheduler import Scheduler

TICK_SECONDS = 1.0


def server_name() -> str:
    """A new name for a server, which no other server has, nor an earlier one with this process's id had."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


def serve(scheduler: Scheduler, turn: Callable[[float], None], tick_seconds: float = TICK_SECONDS) -> None:
    """Call the scheduler's `tick` every `tick_seconds` until `turn` raises KeyboardInterrupt, then close the scheduler.

    turn: called after each tick with the scheduler's time
    A second KeyboardInterrupt, while the scheduler waits for its processes to end, ends them by force. A database that
    does not answer is told of once by `scheduler.say`, and the ticks go on until it answers.
    """
    answers = True
    try:
        while True:
            try:
                scheduler.tick()
                answers = True
            except Infrastructure as exc:
                if answers:
                    scheduler.say(f"{exc}; waiting for it")
                answers = False
            turn(scheduler.clock())
            time.sleep(tick_seconds)
    finally:
        try:
            scheduler.close(time.sleep)
        except KeyboardInterrupt:
            scheduler.kill()
            scheduler.close(time.sleep)
