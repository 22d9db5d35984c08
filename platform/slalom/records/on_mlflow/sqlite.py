"""The SQLite file of a tracking URI, its write-ahead log, and how the file is made complete; loads no MLflow."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from slalom.urls import sqlite_path

if TYPE_CHECKING:
    from datetime import datetime


def sqlite_file(tracking_uri: str) -> Path | None:
    """The file that an SQLite URI names; None for a URI of another kind, or one that names no file."""
    path = sqlite_path(tracking_uri)
    return Path(path) if path else None


def broken_records(file: Path, problem: str) -> str:
    """What to do about a broken file of records."""
    return (
        f"the file of MLflow's records, {file}, is broken: {problem}. No result is lost, since Optuna's storage has "
        "all trials: `slalom records rebuild STUDY`, with the same --home and --tracking-uri, sets the file aside and "
        "makes the records again from them"
    )


def set_aside(file: Path, now: datetime) -> Path:
    """Rename a file of records, or a folder in its place, with its write-ahead log; gives its new path.

    Raises OSError where that cannot be done.
    """
    aside = file.with_name(f"{file.name}.broken-{now:%Y%m%d-%H%M%S}")
    file.rename(aside)
    for end in ("-wal", "-shm"):
        beside = file.with_name(file.name + end)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + end))
    return aside


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
