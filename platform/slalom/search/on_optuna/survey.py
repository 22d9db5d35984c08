"""Reads which studies a storage holds, and their notes, without their study files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import inspect

from slalom.search.on_optuna.holding import held
from slalom.search.on_optuna.noted import NOTES, read_notes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine


class Found(NamedTuple):
    """A study in a storage: its name, the first 12 digits of its fingerprint, and its notes with HELD."""

    study: str
    fingerprint: str
    notes: Mapping[str, Any]


def survey(engine: Engine) -> list[Found]:
    """All studies of a storage, sorted by name; empty where nothing was noted in it yet."""
    if not inspect(engine).has_table(NOTES.name):
        return []
    holds = held(engine)
    return [_found(study, {**notes, **holds.get(study, {})}) for study, notes in read_notes(engine).items()]


def _found(study: str, notes: Mapping[str, Any]) -> Found:
    name, _, mark = study.rpartition("/")
    return Found(name, mark, notes)
