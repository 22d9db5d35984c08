"""URLs of databases, servers and files: built, checked and shown in this one place.

A URL may hold a password or a token, so none is printed as it stands: `showable` is for a whole URL, `hide_passwords`
for text that others wrote, such as a driver's message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from slalom.errors import InputError, nearest, quoted, quoted_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

STORAGE, TRACKING_URI, WEBHOOK = "SLALOM_STORAGE", "SLALOM_TRACKING_URI", "SLALOM_WEBHOOK"
"""The environment variables in place of options that may hold a password: every user of a machine can read its
processes' arguments, and only a process's own user its environment.
"""

OPEN_OPTIONS = ("application_name", "charset", "connect_timeout", "driver", "host", "port", "sslmode", "user")
"""The options of a URL whose values are no secrets; those of all others are hidden."""

HIDDEN_OPTION = (
    r"(?:\w*(?:pass(?:word|wd|phrase)?|pwd|token|secret|credential|signature|api[_-]?key|access[_-]?key)|sig|key)"
)
"""A regular expression of the names of options whose values text never shows."""

HOSTS = r"[\w.,:%\[\]-]*"
"""A regular expression of what may name a URL's hosts and ports."""


def sqlite_url(file: Path) -> str:
    """The URL of an SQLite file, for Optuna and for MLflow.

    The characters %, ? and # of the path are percent-encoded. A URL with such characters names its driver: MLflow would
    take one without a driver for the path as it stands, and make that path's folder.
    """
    path = str(file)
    encoded = re.sub("[%?#]", lambda sign: f"%{ord(sign[0]):02X}", path)
    return f"sqlite:///{path}" if encoded == path else f"sqlite+pysqlite:///{encoded}"


def sqlite_path(url: str) -> str | None:
    """The path of the file that an SQLite URL names; None for a URL of another kind, or one that names no file."""
    head, found, rest = url.partition(":///")
    path = unquote(rest.partition("?")[0])
    return path if found and path and head.partition("+")[0] == "sqlite" else None


def check_url(what: str, url: str, schemes: Sequence[str]) -> None:
    """Make sure that a URL is of one of the schemes, and that every reader of it finds the same parts in it.

    what: begins the message, such as "--storage: an Optuna storage"
    schemes: those allowed, without drivers
    Raises InputError, which shows nothing of a URL whose parts cannot be told: what looks like a host may be a part of
    its password.
    """
    scheme, found, rest = url.partition("://")
    kind = scheme.partition("+")[0]
    example = "sqlite:///FILE" if "http" not in schemes else "sqlite:///FILE or http://HOST:5000"
    if not found or not re.fullmatch(r"[A-Za-z][\w+.-]{0,30}", scheme):
        raise InputError(f"{what} is a URL such as {example}, but got {_harmless(url)}")
    if kind not in schemes:
        raise InputError(
            f"{what} is a URL such as {example}, but got one that begins with {scheme}://{nearest(kind, schemes)}"
        )
    if kind == "sqlite":
        if not re.match("/.", rest):
            raise InputError(f"{what} in SQLite names a file, as sqlite:///FILE does, but got {quoted_path(url)}")
        return
    if problem := _unreadable(url, rest):
        raise InputError(
            f"{what} cannot be told into its parts: {problem}. In a user's name or password write @ as %40, / as %2F, "
            ": as %3A, ? as %3F, # as %23 and a space as %20"
        )


def _harmless(text: str) -> str:
    """What may be shown of a text that should have been a URL and is none."""
    return repr(text) if re.fullmatch(r"[\w./~-]{0,100}", text) else "none (not shown, since it may hold a password)"


def _unreadable(url: str, rest: str) -> str | None:
    """What is wrong with a server's URL; `rest` is what follows its scheme."""
    if re.search(r"[\s\x00-\x1f\x7f]", url):
        return "it holds a space or a control character"
    if "#" in rest:
        return "it holds a #"
    place, _, path = rest.partition("?")[0].partition("/")
    if place.count("@") > 1 or "@" in path:
        return "an @ stands where none can"
    user, _, hosts = place.rpartition("@")
    if user.count(":") > 1:
        return "a : stands where none can"
    if not re.fullmatch(HOSTS, hosts):
        return "its host is none"
    ports = re.findall(r":([^:,\]]*)(?=,|$)", hosts)
    if any(not port.isdecimal() or int(port) >= 2**16 for port in ports):
        return f"its port is no number below {2**16}"
    if ports and "," in hosts:
        return "of several hosts with ports it names each behind the database's name as ?host=HOST:PORT&host=HOST:PORT"
    return None


def hosts(url: str) -> list[str]:
    """The hosts that the URL of a database or a server names, without ports; none where it means this machine's socket.

    They stand before the path, or in the options `host` behind it, where a folder is that of a socket.
    """
    parts = urlsplit(url)
    if parts.hostname is not None:
        return parts.hostname.split(",")
    named = ",".join(parse_qs(parts.query).get("host", [])).split(",")
    return [urlsplit(f"//{one}").hostname or one for one in named if one and not one.startswith("/")]


def showable(url: str) -> str:
    """A URL for people to read: without password, without a server's user, who may be a token, and without options.

    Options in OPEN_OPTIONS stay as they are.
    """
    head, separator, options = url.partition("?")
    scheme, found, rest = head.partition("://")
    if scheme.partition("+")[0] == "sqlite":  # a path, in which @ and : are letters as others are
        user, at, place = "", "", rest
    else:
        user, at, place = rest.rpartition("@")
    if at:
        name, _, password = user.partition(":")
        token = urlsplit(url).scheme in ("http", "https")
        user = "***" if token else f"{name}:***" if password else name
    shown = [_option(part) for part in options.split("&")]
    return f"{scheme}{found}{user}{at}{place}{separator}{'&'.join(shown)}"


def _option(part: str) -> str:
    name, found, value = part.partition("=")
    return part if not value or name.lower() in OPEN_OPTIONS else f"{name}{found}***"


def quoted_address(text: str) -> str:
    """A text that should have been a server's address, for people to read; unseen where it may hold a password."""
    return "one that is not shown, since it may hold a password" if "@" in text else quoted(text)


def hide_passwords(text: str) -> str:
    """The text with the passwords and tokens of every URL in it, and of `password=...` and the like, as three stars."""
    text = re.sub(r"(https?://)\S+@", r"\1***@", text)
    text = re.sub(r"(://[^/:@\s]*):\S+@", r"\1:***@", text)
    return re.sub(rf"(?i)(\b{HIDDEN_OPTION}=)[^&\s'\"]+", r"\1***", text)
