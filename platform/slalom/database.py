"""Connections to the database that a storage URL names, and the database's errors as Infrastructure."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy.exc
from sqlalchemy.engine import make_url

from slalom.errors import Infrastructure, Outage
from slalom.urls import hide_passwords

CONNECT_SECONDS = 5
"""The time within which a database server must take a connection."""


def engine_options(url: str, *, make: bool = True) -> dict[str, Any]:
    """The options with which SQLAlchemy's engine for a storage URL is made.

    make: whether an SQLite file's folder is made, and its write-ahead log switched on; False only reads
    Raises sqlite3.Error or OSError where that cannot be done, and SQLAlchemy's ArgumentError for a URL that is none;
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
    """Whether an error, or what it came of, is that of a database server that does not answer for now.

    Errors of SQLite are none: its file is on a disk of this machine, which nobody restarts.
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
            reason = next(iter(str(error.__cause__ or error).strip().splitlines()), type(error).__name__)
            kind = Outage if passing(error) else Infrastructure
            raise kind(
                f"the Optuna storage {self._shown} does not answer: {hide_passwords(reason)}; check --storage, "
                "or leave it out for a file in the home folder"
            ) from error
