"""What can go wrong, and whose turn it is.

    SlalomError
    ├── InputError          the user's: a study file, an option, a task (exit code 2); nothing was started
    │   └── StudyError      a study file, with file:line:column
    ├── Infrastructure      the machine's: a database, a server, a cluster (exit code 3); state is kept
    │   └── LaneLost        one lane died; its trials are tried again
    ├── Interrupted         the user stopped the run (exit code 130); state is kept
    └── Crashed             an exception that nobody foresaw (exit code 70); told with its traceback

Vendors' errors are translated in the adapter that meets them, `from exc`.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class SlalomError(Exception):
    """The root of everything Slalom raises on purpose."""

    exit_code = 3


class InputError(SlalomError):
    """Wrong input, refused before anything was started or written."""

    exit_code = 2


@dataclass(frozen=True)
class Place:
    """Where in a file something stands; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class StudyError(InputError):
    """A study file breaks a rule; the message gives place, rule, value and the nearest valid word."""

    def __init__(self, message: str, place: Place | str | None = None) -> None:
        self.message = message
        self.place = place
        super().__init__(f"{place}: {message}" if place else message)


class Infrastructure(SlalomError):
    """A database, server or cluster does not answer, after what retries there are."""


class LaneLost(Infrastructure):
    """A lane died, its node left, or what it trained raised; costs its trials an attempt.

    raised: it was the trials' own program that raised, not the process or the machine that failed
    left: the whole node is gone, which is hardly a trial's doing
    """

    def __init__(self, message: str, *, raised: bool = False, left: bool = False) -> None:
        super().__init__(message)
        self.raised = raised
        self.left = left


class Interrupted(SlalomError):
    """The user stopped the run; the same command goes on."""

    exit_code = 130


class Crashed(SlalomError):
    """A command ended by an exception that is none of these: a bug. Its code is BSD's EX_SOFTWARE."""

    exit_code = 70


def nearest(word: object, valid: Iterable[str]) -> str:
    """The end of a message about an unknown word: a suggestion, and all that would do."""
    names = sorted(valid)
    close = get_close_matches(str(word), names, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint} (one of: {', '.join(names)})" if names else hint


def listing(words: Sequence[str]) -> str:
    """Words as a list: "adam, amsgrad and nesterov"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
