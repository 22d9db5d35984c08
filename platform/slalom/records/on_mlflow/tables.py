"""MLflow's tables in a new SQLite file, made whole or not at all.

MLflow makes its tables by some fifty migrations, each a transaction of its own: a process that is killed between two of
them leaves a file that no later process can open or repair ("duplicate column name"). So the tables are made in a file
of another name, which is renamed when all tables are there.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from slalom.records.on_mlflow.moved import settle
from slalom.records.on_mlflow.sqlite import sqlite_file, write_ahead
from slalom.urls import sqlite_url

if TYPE_CHECKING:
    from pathlib import Path


def make_tables(tracking_uri: str, artifacts: Path | None) -> None:
    """Make MLflow's tables in an SQLite file that has no tables; settle those of a home that was copied or moved.

    Nothing is done for any other store.
    artifacts: the folder that MLflow's default experiment keeps its files in
    """
    file = sqlite_file(tracking_uri)
    if file is None:
        return
    if _has_tables(file):
        if artifacts is not None:
            settle(file, artifacts)
        return
    draft = file.with_name(f"{file.name}.new")
    for left in (draft, draft.with_name(f"{draft.name}-journal")):
        left.unlink(missing_ok=True)
    store = SqlAlchemyStore(sqlite_url(draft), (artifacts or file.parent / "artifacts").resolve().as_uri())
    store.engine.dispose()
    draft.replace(file)
    write_ahead(file)


def _has_tables(file: Path) -> bool:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table'").fetchone() is not None
