"""Schedules, and the runs that they start. All times are seconds since the epoch."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from slalom.errors import InputError, quoted
from slalom.urls import STORAGE, TRACKING_URI, WEBHOOK

if TYPE_CHECKING:
    from slalom.schedule.cron import Cron

COMMANDS = ("regress", "run")
NAME = re.compile(r"\w[\w.-]{0,99}", re.ASCII)

ATTEMPTS = 3
"""Attempts at a run whose server dies while the run goes on; no more, since the run may be what kills its server."""

TIME_LIMIT_CODE = 124
"""The exit code on record for a run that was stopped at its time limit; the command `timeout` has the same."""

REGRESSED_CODE = 10
"""The exit code that a scheduled `slalom regress` has for a regression.

Not the command's usual 1, since a process ends with 1 for other reasons too: Python cannot start or cannot load Slalom,
or a library ends the process, as Ray's does when its head is gone.
"""


class Reason(StrEnum):
    """Why a run was started.

    due: the schedule's time had come
    missed: one or more of the schedule's times had passed while no server led
    asked: somebody asked for the run by `run-now`
    again: the server of the attempt before died, or stopped, while that attempt went on
    """

    DUE = "due"
    MISSED = "missed"
    ASKED = "asked"
    AGAIN = "again"


class RunOutcome(StrEnum):
    """How a run of a schedule ended.

    failed: a part of the infrastructure failed, or Slalom itself did
    stopped: the run's server was stopped; the run is tried again
    lost: the run's server gave no sign of life any more, so nobody knows how the run ended; the run is tried again
    died: a signal ended the process, or its exit code is none of Slalom's
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
        """Whether the run ended because of its server, so that it is tried again."""
        return self in (RunOutcome.STOPPED, RunOutcome.LOST)


CODES = {
    0: RunOutcome.OK,
    REGRESSED_CODE: RunOutcome.REGRESSED,
    2: RunOutcome.REFUSED,
    3: RunOutcome.FAILED,
    70: RunOutcome.FAILED,
    130: RunOutcome.INTERRUPTED,
}


def outcome_of(code: int) -> RunOutcome:
    """The outcome that an exit code of `slalom` stands for; a negative code is the signal that ended the process."""
    return CODES.get(code, RunOutcome.DIED)


OPEN = {"--storage": STORAGE, "--tracking-uri": TRACKING_URI, "--webhook": WEBHOOK}
"""The options that may hold a password, and the environment variables that are read in their place."""


@dataclass(frozen=True)
class StudySchedule:
    """A study that is run at set times.

    command: the subcommand of `slalom` that runs the study, one of COMMANDS
    arguments: further arguments of that command, as in a shell
    time_limit: seconds after which a run is stopped; None for never
    due: the schedule's next time that has not been run
    asked: when somebody asked for a run at once that has not started yet; None where nobody did
    Raises InputError for a name that no file can have, for arguments that no shell would take, and for one of OPEN.
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
            raise InputError(f"--name: letters, digits, '_', '.' and '-', at most 100, but got {quoted(self.name)}")
        try:
            words = shlex.split(self.arguments)
        except ValueError as exc:
            raise InputError(f"--arguments: as in a shell, but got {quoted(self.arguments)}: {exc}") from exc
        for word in words:
            begun = word.partition("=")[0]
            # the beginning of an option is meant as that option, and what follows is as secret
            meant = (option for option in OPEN if begun.strip("-") and option.startswith(begun))
            if option := next(meant, None):
                raise InputError(
                    f"--arguments: {option} may hold a secret, and these lie open in the database and the list of "
                    f"processes; set {OPEN[option]} in the environment of `slalom serve`"
                )


@dataclass(frozen=True)
class Run:
    """A run of a schedule.

    id: the key of the run's row; None before the run has a row
    due: the schedule's time that the run is for; where several times were missed, the first of them
    attempt: 0 for the first attempt, 1 for the next where the server of the first one died, and so on
    server: the name of the server that started the run
    seen: when that server last recorded that the run goes on
    exit_code, outcome, ended: None while the run goes on; a lost run has no exit code
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
    outcome: RunOutcome | None = None


@dataclass(frozen=True)
class Lease:
    """Which server leads.

    since: when the server took the lead
    expires: when another server may take the lead, unless this one renews its lease
    """

    server: str
    since: float
    expires: float
