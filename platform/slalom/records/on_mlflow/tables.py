"""A new SQLite file gets its tables under another name, and its own when they are whole.

MLflow makes them by some fifty migrations, each for itself: a process killed among them leaves a file that no later
one can open or mend ("duplicate column name").
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from slalom.records.on_mlflow.address import sqlite_file, write_ahead

if TYPE_CHECKING:
    from pathlib import Path


def make_tables(tracking_uri: str, artifacts: Path | None) -> None:
    """Give an SQLite file without tables MLflow's; leave any other store alone."""
    file = sqlite_file(tracking_uri)
    if file is None or _has_tables(file):
        return
    draft = file.with_name(f"{file.name}.new")
    for left in (draft, draft.with_name(f"{draft.name}-journal")):
        left.unlink(missing_ok=True)
    store = SqlAlchemyStore(f"sqlite:///{draft}", (artifacts or file.parent / "artifacts").resolve().as_uri())
    store.engine.dispose()
    draft.replace(file)
    write_ahead(file)


def _has_tables(file: Path) -> bool:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table'").fetchone() is not None
