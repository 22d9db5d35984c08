"""Schedules, and the runs that come of them. All times are seconds since the epoch."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from slalom.errors import InputError

if TYPE_CHECKING:
    from slalom.schedule.cron import Cron

COMMANDS = ("regress", "run")
NAME = re.compile(r"\w[\w.-]{0,99}", re.ASCII)

ATTEMPTS = 3
"""Tries at a run whose server goes away in its middle: a run that brings its server down must not for ever."""

TIME_LIMIT_CODE = 124
"""The exit code on record for a run that was stopped at its time limit, as of the command `timeout`."""


REGRESSED_CODE = 10
"""The exit code that a run is told to have for a regression.

Not the command's usual 1, with which a process ends as well that was not to: where Python cannot start or load Slalom,
or where a library ends it, as Ray's does when its head is gone.
"""


class Reason(StrEnum):
    """Why a run was started.

    due: its time had come; missed: one or more of its times had passed; asked: by `run-now`
    again: its server went away in the middle of it
    """

    DUE = "due"
    MISSED = "missed"
    ASKED = "asked"
    AGAIN = "again"


class Outcome(StrEnum):
    """How a run ended.

    failed: a part of the infrastructure, or Slalom itself
    stopped: with its server; lost: nobody knows how, its server was not heard of any more; both are tried again
    died: of a signal, or with an exit code that is none of Slalom's
    """

    OK = "ok"
    REGRESSED = "regressed"
    REFUSED = "refused"
    FAILED = "failed"
    TIME_LIMIT = "time limit"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    DIED = "died"
    LOST = "lost"

    @property
    def unfinished(self) -> bool:
        """Whether it is through no fault of its own that the run told nothing."""
        return self in (Outcome.STOPPED, Outcome.LOST)


CODES = {
    0: Outcome.OK,
    REGRESSED_CODE: Outcome.REGRESSED,
    2: Outcome.REFUSED,
    3: Outcome.FAILED,
    70: Outcome.FAILED,
    130: Outcome.INTERRUPTED,
}


def outcome_of(code: int) -> Outcome:
    """What a command's exit code says; negative: the signal that ended it."""
    return CODES.get(code, Outcome.DIED)


@dataclass(frozen=True)
class Schedule:
    """A study that is run at set times.

    command: which subcommand of `slalom` runs it, one of COMMANDS
    arguments: further ones for it, as in a shell
    time_limit: seconds after which a run is stopped; None for never
    due: its next time that has not been run
    asked: when somebody asked for a run at once that has not started; None where nobody did
    Raises InputError for a name that could be no file's, and for arguments that no shell would take.
    """

    name: str
    study: str
    command: str
    cron: Cron
    due: float
    time_limit: float | None = None
    asked: float | None = None
    arguments: str = ""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise InputError(f"--name: letters, digits, '_', '.' and '-', at most 100, but got {self.name!r}")
        try:
            shlex.split(self.arguments)
        except ValueError as exc:
            raise InputError(f"--arguments: as in a shell, but got {self.arguments!r}: {exc}") from exc


@dataclass(frozen=True)
class Run:
    """A run of a schedule.

    id: its row's; None before it has one
    due: the time that it is for; where several were missed, the first of them
    attempt: 0 for the first; more where servers went away in the middle of earlier ones
    server: which one started it
    seen: when that server last told that the run goes on
    exit_code, outcome, ended: None while it goes on; there is no exit code of one that is lost
    """

    schedule: str
    study: str
    command: str
    arguments: str
    due: float
    attempt: int
    reason: Reason
    server: str
    started: float
    seen: float
    id: int | None = None
    ended: float | None = None
    exit_code: int | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True)
class Lease:
    """Which server leads. since: when it took the lead; expires: when another may, unless it tells that it is there."""

    server: str
    since: float
    expires: float
