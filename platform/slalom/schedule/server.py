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
    """A name that no other server has, nor an earlier one of this process id had."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


def serve(scheduler: Scheduler, turn: Callable[[float], None], tick_seconds: float = TICK_SECONDS) -> None:
    """Tick until `turn`, which is called after each tick with its time, raises KeyboardInterrupt.

    Then stop the children and give the lead away; a second KeyboardInterrupt ends the children by force.
    A database that does not answer is told once, and waited for.
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
