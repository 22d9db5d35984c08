"""A home that was copied or moved: MLflow keeps absolute paths, which still name the folder that the home was in."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from slalom.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""The columns that hold the URI of a file or folder."""


def settle(file: Path, artifacts: Path) -> None:
    """Set the places of a home's records to the home's own folder of artifacts, all of them or none.

    file: the home's file of records; artifacts: the home's folder of artifacts
    Nothing is done where the file lies elsewhere, since several homes may share it then. Raises InputError where the
    places are another home's and cannot be set.
    """
    if file.parent.resolve() != artifacts.parent.resolve():
        return
    here = artifacts.resolve().as_uri()
    with closing(sqlite3.connect(file)) as database:
        for before in _elsewhere(database, here):
            try:
                with database:
                    _move(database, before, here)
            except sqlite3.Error as exc:
                raise InputError(
                    f"--home: {artifacts.parent} is a copy of the home whose artifacts are in {before}, and its "
                    f"records' places cannot be set to it: {exc}; remove {file} from the copy, and `slalom records "
                    "rebuild` makes its records again"
                ) from exc


def _elsewhere(database: sqlite3.Connection, here: str) -> list[str]:
    """The URIs of other homes' folders of artifacts that these records name."""
    sought = "SELECT DISTINCT artifact_location FROM experiments WHERE artifact_location LIKE 'file:%/artifacts'"
    return [place for (place,) in database.execute(sought) if place != here]


def _move(database: sqlite3.Connection, before: str, here: str) -> None:
    for table, column in PLACES:
        database.execute(
            f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608 (our own words)
            f"WHERE {column} = ? OR {column} LIKE ? ESCAPE '!'",
            (here, len(before) + 1, before, _literal(before) + "/%"),
        )


def _literal(text: str) -> str:
    """A text within a pattern of LIKE's."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
