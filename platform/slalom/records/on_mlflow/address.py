"""Whether a tracking URI can be written to, asked before anything is started; loads no MLflow."""

from __future__ import annotations

import socket
import sqlite3
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from ssl import SSLError
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

from slalom.errors import Infrastructure, InputError
from slalom.home import hide_passwords

PATIENCE = 5.0
"""Seconds that a server may take to answer."""

DATABASE_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


def check(tracking_uri: str) -> None:
    """Make sure that records can be written there, within about PATIENCE.

    An SQLite file is made where there is none, and set to write ahead.
    Raises InputError for a URI that no server stands behind, Infrastructure for one that does not answer.
    """
    scheme = urlsplit(tracking_uri).scheme.partition("+")[0]
    try:
        if scheme in {"", "file"}:
            raise InputError(
                f"tracking URI must be sqlite:///FILE or a server's, such as http://HOST:5000, but got "
                f"{tracking_uri!r}; MLflow 3 keeps no records in folders"
            )
        if scheme == "sqlite":
            _open_sqlite(tracking_uri)
        elif scheme in {"http", "https"}:
            _ask_server(tracking_uri)
        elif scheme in DATABASE_PORTS:
            _reach_database(tracking_uri, DATABASE_PORTS[scheme])
    except (OSError, HTTPException, sqlite3.Error) as exc:
        raise Infrastructure(
            f"MLflow does not answer at {hide_passwords(tracking_uri)}: {hide_passwords(str(exc))}; "
            "start it, or leave out --tracking-uri to record in the study's home"
        ) from exc


def sqlite_file(tracking_uri: str) -> Path | None:
    """The file of an SQLite URI, None for any other."""
    head, found, rest = tracking_uri.partition(":///")
    file = rest.partition("?")[0]
    return Path(file) if found and file and head.partition("+")[0] == "sqlite" else None


def finish_sqlite(file: Path) -> None:
    """Bring what was written ahead into the file itself, so that it can be copied alone."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def write_ahead(file: Path) -> None:
    """Have SQLite write ahead, and make sure that it can write.

    A commit then costs no wait for the disk, and who reads in a browser never blocks the writer.
    """
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN IMMEDIATE")
        connection.rollback()


def _open_sqlite(tracking_uri: str) -> None:
    file = sqlite_file(tracking_uri)
    if file is None:
        raise InputError(f"tracking URI must name a file, as in sqlite:///mlflow.db, but got {tracking_uri!r}")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_ahead(file)


def _ask_server(tracking_uri: str) -> None:
    parts = urlsplit(tracking_uri)
    place = parts.netloc.rpartition("@")[2]
    question = urlunsplit((parts.scheme, place, f"{parts.path.rstrip('/')}/health", "", ""))
    try:
        urlopen(question, timeout=PATIENCE).close()  # noqa: S310 (http or https, by the caller)
    except HTTPError as exc:
        # who asks for a password or hides the page does answer
        exc.close()
        if exc.code >= 500:
            raise
    except URLError as exc:
        # which certificates to trust is between MLflow and its own settings
        if not isinstance(exc.reason, SSLError):
            raise OSError(str(exc.reason)) from exc


def _reach_database(tracking_uri: str, usual_port: int) -> None:
    parts = urlsplit(tracking_uri)
    # without a host it is a local socket, which MLflow finds by itself
    if parts.hostname is not None:
        socket.create_connection((parts.hostname, parts.port or usual_port), timeout=PATIENCE).close()
