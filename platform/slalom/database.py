"""Connections to the database that a storage URL names, and the database's errors as Infrastructure."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy.exc
from sqlalchemy.engine import make_url

from slalom.errors import Infrastructure, Outage
from slalom.urls import hide_passwords, sqlite_path

if TYPE_CHECKING:
    from slalom.home import Home

MAGIC = b"SQLite format 3\0"
"""What every SQLite file begins with."""

EMPTY = "it is empty"

OTHER_TABLES = ("column", "table", "CHECK", "check constraint", "NOT NULL", "null value", "not exist", "default value")
"""Words of a database's reasons; one of them is in a reason where the tables are not those that a statement is for."""

CONNECT_SECONDS = 5
"""The time within which a database server must take a connection."""


def engine_options(url: str, *, make: bool = True) -> dict[str, Any]:
    """The options of SQLAlchemy's `create_engine` for a storage URL.

    make: whether an SQLite file's folder is made, and its write-ahead log switched on; False only reads
    Raises sqlite3.Error or OSError where that cannot be done, and SQLAlchemy's ArgumentError for what is no URL;
    `translated` turns these into Infrastructure.
    """
    options: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS}
    place = make_url(url)
    if place.get_backend_name() == "sqlite":
        options = {"timeout": 60, "factory": _Connection}
        if make:
            _write_ahead(Path(place.database or ":memory:"))
    return {"connect_args": options, "pool_pre_ping": True}


class _Connection(sqlite3.Connection):
    """A connection to SQLite whose commits do not wait for the disk.

    A process that dies loses no commit. A power cut may lose the last commits, each of them whole: their trials are
    trained again, and give the same numbers.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.execute("PRAGMA synchronous=NORMAL")


def _write_ahead(file: Path) -> None:
    """Switch to SQLite's write-ahead log: commits cost a fraction, and readers do not wait for the writer."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def passing(error: BaseException | None) -> bool:
    """Whether an error, or one of its causes, says that a database server does not answer for now.

    An error of SQLite does not: its file is on a disk of this machine, which nobody restarts.
    """
    while error is not None:
        if isinstance(error, sqlalchemy.exc.OperationalError | sqlalchemy.exc.InterfaceError):
            return not isinstance(error.orig, sqlite3.Error)
        if isinstance(error, sqlalchemy.exc.DBAPIError):
            return error.connection_invalidated
        error = error.__cause__
    return False


class translated:  # noqa: N801 (a context manager, read as a word)
    """A context that raises Infrastructure in place of the errors of a database.

    These are the errors of SQLAlchemy, of SQLite, of the network, and of the import of a database's driver.
    """

    def __init__(self, shown: str, *also: type[Exception]) -> None:
        """shown: the storage's URL without its password, for messages; also: further exceptions to translate."""
        self._shown = shown
        self._also = also

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        vendors: tuple[type[Exception], ...] = (
            sqlalchemy.exc.SQLAlchemyError,
            sqlite3.Error,
            OSError,
            ImportError,
            *self._also,
        )
        if isinstance(error, vendors):
            if path := sqlite_path(self._shown):
                raise lost_trials(Path(path), reason_of(error)) from error
            kind = Outage if passing(error) else Infrastructure
            raise kind(
                f"the Optuna storage {self._shown} does not answer: {reason_of(error)}; check --storage, "
                "or leave it out for a file in the home folder"
            ) from error


def reason_of(error: BaseException) -> str:
    """The database's own reason in a line, without the SQL and its parameters, which may be anybody's values."""
    text = str(error.__cause__ or error).partition("[SQL:")[0].strip()
    return hide_passwords(next(iter(text.splitlines()), type(error).__name__))


def of_other_tables(error: Exception) -> bool:
    """Whether an error comes of tables, or of a vendor's classes, that are not those Slalom knows.

    An error that is not SQLAlchemy's comes of the classes. One of a full disk or an outage comes of neither.
    """
    if not isinstance(error, sqlalchemy.exc.SQLAlchemyError):
        return True
    return any(word in reason_of(error) for word in OTHER_TABLES)


def broken(file: Path) -> str | None:
    """What is wrong with an SQLite file, which is read whole; None where nothing is, or where there is no file."""
    if not file.exists():
        return None
    if not file.is_file():
        return "a folder stands in its place" if file.is_dir() else "it is no file"
    if not os.access(file, os.R_OK | os.W_OK):
        return "there is no permission to read and write it"
    try:
        with file.open("rb") as opened:
            start = opened.read(len(MAGIC))
        if not start:
            return EMPTY
        if start != MAGIC:
            return "it is no SQLite database"
        with closing(sqlite3.connect(file)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except (OSError, sqlite3.DatabaseError) as exc:
        # a file that another process has locked is whole, as far as anybody can tell
        return None if _is_in_use(exc) else f"it is damaged ({exc})"
    return None if found == "ok" else f"it is damaged ({next(iter(str(found).splitlines()))})"


def _is_in_use(error: Exception) -> bool:
    """Whether SQLite says that another process has locked the file; its extended codes end in the plain one."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def check_trials(home: Home) -> None:
    """Raise Infrastructure where a home has lost its trials, since a new file of trials would hide the loss."""
    if home.has_lost_trials:
        raise lost_trials(Path(home.folder.resolve() / "optuna.db"), EMPTY)


def lost_trials(file: Path, reason: str) -> Infrastructure:
    """The error that the file in which Optuna keeps trials cannot be used: what is lost, and what can be done."""
    if problem := broken(file):
        return Infrastructure(
            f"the file of trials, {file}, is broken: {problem}. It alone holds them, so what it has lost must be "
            "trained again: put a copy of it back; or save what can be read, by `sqlite3 FILE .recover`; or move it "
            "away to begin anew. Records in MLflow stay as they are, and `slalom ui` shows them"
        )
    return Infrastructure(
        f"the file of trials, {file}, cannot be used: {reason}; make it so, or name another --storage"
    )
