"""Which studies a storage holds, and what they noted, without knowing their files. Only reads."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from optuna.storages._rdb.models import StudyModel, StudyUserAttributeModel
from sqlalchemy import inspect, select

from slalom.search.on_optuna.holding import held

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine


ROOT = re.compile("([^/]+)/([0-9a-f]{12})")
"""The name of what stands for a study as a whole, and not for an arm of it, or for somebody else's."""


class Found(NamedTuple):
    """A study: its name, the beginning of its fingerprint, and all its notes, whether a run holds it among them."""

    study: str
    fingerprint: str
    notes: Mapping[str, Any]


def survey(engine: Engine) -> list[Found]:
    """All studies of a storage, by name; none where Optuna has no tables in it yet, or is making them."""
    note = StudyUserAttributeModel
    if not inspect(engine).has_table(note.__tablename__):  # the later one of the two that are looked at
        return []
    query = select(StudyModel.study_name, note.key, note.value_json).join(note, note.study_id == StudyModel.study_id)
    notes: dict[tuple[str, str], dict[str, Any]] = {}
    with engine.connect() as database:
        for name, key, value in database.execute(query.order_by(StudyModel.study_name)):
            if root := ROOT.fullmatch(name):
                # as OptunaStore.note writes it: JSON within Optuna's own
                notes.setdefault((root[1], root[2]), {})[key] = json.loads(json.loads(value))
    holds = held(engine)
    return [Found(*names, {**noted, **holds.get("/".join(names), {})}) for names, noted in notes.items()]
