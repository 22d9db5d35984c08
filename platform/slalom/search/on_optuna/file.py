"""Makes a new SQLite file for Optuna's trials, with all its tables or not at all.

Optuna makes its tables one after the other: another process can meanwhile find an empty file, as in a home that has
lost its trials, and a killed process leaves one. So the tables are made elsewhere, and the whole file is then put into
its place.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from slalom.urls import sqlite_path, sqlite_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from optuna.storages import RDBStorage


def make_file(url: str, opened: Callable[[str], RDBStorage]) -> None:
    """Make the file of an SQLite URL, with all tables; do nothing for another URL, or where the file is there.

    opened: opens the storage of a URL, and makes its tables
    Where another process makes the file meanwhile, that file stays.
    """
    path = sqlite_path(url)
    if not path or path.startswith(":memory:") or Path(path).exists():
        return
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, file.name)
        storage = opened(sqlite_url(made))
        storage.remove_session()
        storage.engine.dispose()  # the last connection moves the write-ahead log into the file
        tables = made.read_bytes()
    draft = file.with_name(f".{file.name}.{uuid4().hex}")
    try:
        draft.write_bytes(tables)
        # A link never replaces a file. On a disk without links the file is made when the storage is opened.
        with suppress(OSError):
            os.link(draft, file)
    finally:
        draft.unlink(missing_ok=True)
