"""The notes of a study as a whole, in a table of their own.

Optuna has user attributes for notes, but they belong to an Optuna study, and Optuna's dashboard would show a study
that is there for notes alone as one without trials.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, String, Table, Text, delete, insert, select
from sqlalchemy.orm import Session

from slalom.search.on_optuna.holding import METADATA

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Engine

NOTES = Table(
    "slalom_note",
    METADATA,
    Column("study", String(512), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("value", Text, nullable=False),
)
"""study: "name/fingerprint", with the fingerprint's first twelve digits; value: JSON."""


def write_note(engine: Engine, study: str, name: str, value: Any, verify: Callable[[Session], None]) -> None:
    """Write a note in place of an earlier one of its name; SQLAlchemyError where the database fails.

    verify: called first, in the same transaction; its exception ends the call
    """
    with Session(engine) as session, session.begin():
        verify(session)
        session.execute(delete(NOTES).where(NOTES.c.study == study, NOTES.c.name == name))
        session.execute(insert(NOTES).values(study=study, name=name, value=json.dumps(value)))


def read_notes(engine: Engine, study: str | None = None) -> dict[str, Mapping[str, Any]]:
    """The notes by name of one study or of all, by study; SQLAlchemyError where the database fails."""
    query = select(NOTES.c.study, NOTES.c.name, NOTES.c.value).order_by(NOTES.c.study, NOTES.c.name)
    found: dict[str, dict[str, Any]] = {}
    with engine.connect() as database:
        for key, name, value in database.execute(query if study is None else query.where(NOTES.c.study == study)):
            found.setdefault(key, {})[name] = json.loads(value)
    return {**found}
