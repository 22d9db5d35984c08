"""The SQLite file of a tracking URI, its write-ahead log, and how the file is made complete; loads no MLflow."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from slalom.urls import sqlite_path


def sqlite_file(tracking_uri: str) -> Path | None:
    """The file that an SQLite URI names; None for a URI of another kind, or one that names no file."""
    path = sqlite_path(tracking_uri)
    return Path(path) if path else None


def write_ahead(file: Path) -> None:
    """Switch an SQLite file to a write-ahead log, and make sure that the file can be written to.

    With a write-ahead log a commit does not wait for the disk, and a browser that reads never blocks the writer.
    Raises sqlite3.Error where the file is no database, or cannot be written to.
    """
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN IMMEDIATE")
        connection.rollback()


def finish_sqlite(file: Path) -> None:
    """Move what the write-ahead log holds into the file itself, so that a copy of the file alone is complete.

    Raises sqlite3.Error where the file is no database.
    """
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
