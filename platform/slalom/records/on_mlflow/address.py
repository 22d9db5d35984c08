"""Whether a tracking URI can be written to, asked before anything is started; loads no MLflow."""

from __future__ import annotations

import socket
import sqlite3
from contextlib import suppress
from http.client import HTTPException
from ssl import SSLError
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

from slalom.database import broken
from slalom.errors import Infrastructure, InputError, quoted_path
from slalom.records.on_mlflow.sqlite import broken_records, sqlite_file, write_ahead
from slalom.urls import hide_passwords, showable

ANSWER_SECONDS = 5.0
"""The time within which a server must answer."""

DATABASE_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


def check(tracking_uri: str) -> None:
    """Make sure that records can be written to a tracking URI; takes about ANSWER_SECONDS at most.

    An SQLite file is made where there is none, with its folder, and is switched to a write-ahead log.
    Raises InputError for a URI that MLflow cannot record to, and Infrastructure where the server or the database that
    the URI names does not answer.
    """
    scheme = urlsplit(tracking_uri).scheme.partition("+")[0]
    try:
        if scheme in {"", "file"}:
            raise InputError(
                f"tracking URI must be sqlite:///FILE or a server's, such as http://HOST:5000, but got "
                f"{quoted_path(tracking_uri)}; MLflow 3 keeps no records in folders"
            )
        if scheme == "sqlite":
            _open_sqlite(tracking_uri)
        elif scheme in {"http", "https"}:
            _ask_server(tracking_uri)
        elif scheme in DATABASE_PORTS:
            _reach_database(tracking_uri, DATABASE_PORTS[scheme])
    except (OSError, HTTPException, sqlite3.Error) as exc:
        if file := sqlite_file(tracking_uri):
            if problem := broken(file):
                raise Infrastructure(broken_records(file, problem)) from exc
            raise Infrastructure(
                f"the file of MLflow's records, {file}, cannot be used: {exc}; make it so, or name another "
                "by --tracking-uri"
            ) from exc
        raise Infrastructure(
            f"MLflow does not answer at {showable(tracking_uri)}: {hide_passwords(str(exc))}; "
            "start it, or leave out --tracking-uri to record in the study's home"
        ) from exc


def _open_sqlite(tracking_uri: str) -> None:
    file = sqlite_file(tracking_uri)
    if file is None:
        raise InputError(
            f"tracking URI must name a file, as in sqlite:///mlflow.db, but got {quoted_path(tracking_uri)}"
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    write_ahead(file)


def _ask_server(tracking_uri: str) -> None:
    parts = urlsplit(tracking_uri)
    place = parts.netloc.rpartition("@")[2]
    question = urlunsplit((parts.scheme, place, f"{parts.path.rstrip('/')}/health", "", ""))
    try:
        urlopen(question, timeout=ANSWER_SECONDS).close()  # noqa: S310 (http or https, by the caller)
    except HTTPError as exc:
        # a server that asks for a password, or has no such page, does answer
        exc.close()
        if exc.code >= 500:
            raise
    except URLError as exc:
        # MLflow has settings of its own for which certificates it trusts
        if not isinstance(exc.reason, SSLError):
            raise OSError(str(exc.reason)) from exc


def _reach_database(tracking_uri: str, usual_port: int) -> None:
    parts = urlsplit(tracking_uri)
    # a URI without a host means a local socket, or names its hosts among its options: MLflow finds them by itself
    if parts.hostname is None:
        return
    *others, last = parts.hostname.split(",")
    for host in others:
        with suppress(OSError):
            socket.create_connection((host, parts.port or usual_port), timeout=ANSWER_SECONDS).close()
            return
    socket.create_connection((last, parts.port or usual_port), timeout=ANSWER_SECONDS).close()
