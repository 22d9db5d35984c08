"""The exceptions that Slalom raises, and who has to act.

    SlalomError
    ├── InputError          the user: a study file, an option or a task is wrong (exit code 2); nothing was started
    │   └── StudyError      a study file breaks a rule, with file:line:column
    ├── Infrastructure      the operator: a database, a server or a cluster failed (exit code 3); the state is kept
    │   ├── LaneLost        nobody: one lane died, and its trials are tried again
    │   └── Outage          nobody for a while: a server does not answer, and is asked again
    ├── Interrupted         nobody: the user stopped the run (exit code 130); the state is kept
    └── Crashed             the developer: an exception that is none of these (exit code 70), with its traceback

The adapter of a vendor's library turns the vendor's errors into these, `from exc`.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST_PATH = 200
"""Characters of a path that a message shows."""

SHOWN = 60
"""Characters of a value that a message quotes."""

COMPARED, LISTED = 200, 100
"""Characters of an unknown word that are compared with valid ones, and valid words that a message lists."""


class SlalomError(Exception):
    """The root of everything Slalom raises on purpose."""

    exit_code = 3


class InputError(SlalomError):
    """Wrong input, refused before anything was started or written."""

    exit_code = 2


@dataclass(frozen=True)
class Place:
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class StudyError(InputError):
    """A study file breaks a rule; the message gives the place, the rule, the value and the nearest valid word."""

    def __init__(self, message: str, place: Place | str | None = None) -> None:
        self.message = message
        self.place = place
        super().__init__(f"{place}: {message}" if place else message)


class Infrastructure(SlalomError):
    """A database, a server or a cluster failed or does not answer, after the retries of whoever called it."""


class LaneLost(Infrastructure):
    """A lane died or hung, its node left the cluster, or a trial's program raised; its trials lose an attempt each.

    raised: whether the trials' own program raised an exception, so that neither process nor machine failed
    left: whether the whole node is gone, which a trial can hardly cause
    looped: whether the lane's process was alive, but its trials came on no further
    """

    def __init__(self, message: str, *, raised: bool = False, left: bool = False, looped: bool = False) -> None:
        super().__init__(message)
        self.raised = raised
        self.left = left
        self.looped = looped


class Outage(Infrastructure):
    """A server does not answer now, as while it is restarted, and may do so later."""


class Interrupted(SlalomError):
    """The user stopped the run; the same command goes on."""

    exit_code = 130


class Crashed(SlalomError):
    """A command ended by an exception that is none of these, a bug. The exit code is BSD's EX_SOFTWARE."""

    exit_code = 70


def nearest(word: object, valid: Iterable[str]) -> str:
    """The end of a message about an unknown word: a valid word that is near, and all valid words."""
    names = sorted(valid)
    close = get_close_matches(str(word)[:COMPARED], names, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{hint} (one of: {', '.join(names[:LISTED])}{more})" if names else hint


def quoted(value: object, most: int = SHOWN) -> str:
    """A value as a message quotes it: its `repr`, or the first `most` characters of that."""
    return shortened(repr(value), most)


def quoted_path(path: object) -> str:
    """A path, or a URL, as a message quotes it: its end counts, so it is shown whole if it is not absurdly long."""
    return quoted(str(path), LONGEST_PATH)


def shortened(text: str, most: int = SHOWN) -> str:
    """The text, or as much of its beginning as a message shows: a screen of it helps nobody."""
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"


def listing(words: Sequence[str]) -> str:
    """Words as a list: "adam, amsgrad and nesterov"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
