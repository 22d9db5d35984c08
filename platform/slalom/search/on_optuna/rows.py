"""Writes trials that ended as rows of Optuna's tables, many in one transaction, and reads them back.

`Study.add_trial` takes a transaction for each trial, reads the trial's row back for each of its values, and counts all
earlier trials for its number; `Study.get_trials` makes an object of every value. This module uses Optuna's own models
of its tables and its own functions for stored values, so that Optuna's calls read the same trials
(`tests/search/on_optuna/test_rows.py`).
"""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from optuna.distributions import distribution_to_json, json_to_distribution
from optuna.storages._rdb import models
from sqlalchemy import Column, Integer, String, Table, delete, exists, insert, select
from sqlalchemy.orm import Session

from slalom.search.on_optuna.holding import METADATA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import FrozenTrial
    from sqlalchemy.engine import Engine

    Row = dict[str, Any]


TRIALS = Table(
    "slalom_trial",
    METADATA,
    Column("study_id", Integer, primary_key=True, autoincrement=False),
    Column("trial", String(100), primary_key=True),
    # no foreign key: Optuna deletes a study's trials itself, and knows nothing of this table
    Column("trial_id", Integer, nullable=False),
)
"""The keys of the trials that are written: the primary key keeps two runs from writing the same trial."""


class Kept(NamedTuple):
    """What is read of a trial: its Optuna study's id, its user attributes, and its parameters by name."""

    study_id: int
    attributes: Mapping[str, Any]
    params: Mapping[str, Any]


def read_rows(engine: Engine, studies: Sequence[int]) -> Iterator[Kept]:
    """The trials of the Optuna studies with these ids, as `write_rows` wrote them, in no order."""
    with Session(engine) as session:
        yield from _read(session, studies)


def _read(session: Session, studies: Sequence[int]) -> Iterator[Kept]:
    trial, attribute, param = models.TrialModel, models.TrialUserAttributeModel, models.TrialParamModel
    attributes: dict[int, dict[str, Any]] = defaultdict(dict)
    params: dict[int, dict[str, Any]] = defaultdict(dict)
    of_studies = trial.study_id.in_(studies)
    for trial_id, key, value in session.execute(
        select(attribute.trial_id, attribute.key, attribute.value_json).join(trial).where(of_studies)
    ):
        attributes[trial_id][key] = json.loads(value)
    for trial_id, name, value, distribution in session.execute(
        select(param.trial_id, param.param_name, param.param_value, param.distribution_json)
        .join(trial)
        .where(of_studies)
    ):
        params[trial_id][name] = _distribution(distribution).to_external_repr(value)
    for trial_id, study_id in session.execute(select(trial.trial_id, trial.study_id).where(of_studies)):
        yield Kept(study_id, attributes[trial_id], params[trial_id])


@lru_cache(maxsize=1024)
def _distribution(text: str) -> BaseDistribution:
    return json_to_distribution(text)


def write_rows(
    engine: Engine,
    trials: Sequence[tuple[Study, FrozenTrial]],
    keys: Sequence[str],
    verify: Callable[[Session], None] = lambda _: None,
) -> None:
    """Add finished trials to their Optuna studies: all of them, or none where the call raises an SQLAlchemyError.

    keys: one for each trial; IntegrityError where a study has a trial of that key already
    verify: called first in the transaction; its exception rolls the transaction back
    """
    with Session(engine) as session, session.begin():
        verify(session)
        _write(session, [(study._study_id, trial) for study, trial in trials], keys)


def probe(engine: Engine, trial: FrozenTrial) -> None:
    """Write a trial into a new Optuna study, read it, and roll all of it back.

    Raises what writing and reading raise, and LookupError where the trial is read otherwise than it was written.
    """
    with Session(engine) as session:
        study: Any = models.StudyModel(study_name=f"slalom probes {secrets.token_hex(8)}")
        session.add(study)
        session.flush()
        _write(session, [(study.study_id, trial)], ["probe"])
        if [*_read(session, [study.study_id])] != [Kept(study.study_id, trial.user_attrs, trial.params)]:
            raise LookupError("a trial is read otherwise than it was written")
        session.rollback()


def _write(session: Session, trials: Sequence[tuple[int, FrozenTrial]], keys: Sequence[str]) -> None:
    """Write trials, each given with its Optuna study's id."""
    # every writer locks the studies in one order, so that no two writers wait for each other
    studies = sorted({study_id for study_id, _ in trials})
    numbers = {study_id: count(_next_number(session, study_id)) for study_id in studies}
    written = [_trial(study_id, next(numbers[study_id]), trial) for study_id, trial in trials]
    session.add_all(written)
    session.flush()
    rows = [(row.trial_id, trial) for row, (_, trial) in zip(written, trials, strict=True)]
    once = [
        {"study_id": row.study_id, "trial": key, "trial_id": row.trial_id}
        for row, key in zip(written, keys, strict=True)
    ]
    session.execute(insert(TRIALS), once)
    for model, columns in PARTS.items():
        parts = [{"trial_id": trial_id, **part} for trial_id, trial in rows for part in columns(trial)]
        if parts:
            session.execute(insert(model.__table__), parts)


def forget_deleted(engine: Engine, studies: Sequence[int]) -> None:
    """Forget the keys of trials that others have deleted from these studies, as Optuna's dashboard can.

    Each key is looked up by its trial's id, not among all trials of its study, which would take quadratic time.
    """
    trial = models.TrialModel
    there = exists().where(trial.trial_id == TRIALS.c.trial_id, trial.study_id == TRIALS.c.study_id)
    with engine.begin() as database:
        database.execute(delete(TRIALS).where(TRIALS.c.study_id.in_(studies), ~there))


def _next_number(session: Session, study_id: int) -> int:
    """The number of a study's next trial: the last trial's plus 1. Locks the study until the transaction's end."""
    study = models.StudyModel.study_id
    session.execute(select(study).where(study == study_id).with_for_update()).scalar_one()
    trial = models.TrialModel
    last = select(trial.number).where(trial.study_id == study_id).order_by(trial.trial_id.desc()).limit(1)
    found: int | None = session.execute(last).scalar()
    return 0 if found is None else found + 1


def _trial(study_id: int, number: int, trial: FrozenTrial) -> Any:
    return models.TrialModel(
        study_id=study_id,
        number=number,
        state=trial.state,
        datetime_start=trial.datetime_start,
        datetime_complete=trial.datetime_complete,
    )


def _values(trial: FrozenTrial) -> Iterator[Row]:
    for objective, value in enumerate(trial.values or ()):
        stored, kind = models.TrialValueModel.value_to_stored_repr(value)
        yield {"objective": objective, "value": stored, "value_type": kind}


def _params(trial: FrozenTrial) -> Iterator[Row]:
    for name, value in trial.params.items():
        distribution = trial.distributions[name]
        yield {
            "param_name": name,
            "param_value": distribution.to_internal_repr(value),
            "distribution_json": distribution_to_json(distribution),
        }


def _user_attributes(trial: FrozenTrial) -> Iterator[Row]:
    for key, value in trial.user_attrs.items():
        yield {"key": key, "value_json": json.dumps(value)}


def _intermediate_values(trial: FrozenTrial) -> Iterator[Row]:
    for step, value in trial.intermediate_values.items():
        stored, kind = models.TrialIntermediateValueModel.intermediate_value_to_stored_repr(value)
        yield {"step": step, "intermediate_value": stored, "intermediate_value_type": kind}


PARTS: dict[Any, Callable[[FrozenTrial], Iterator[Row]]] = {
    models.TrialValueModel: _values,
    models.TrialParamModel: _params,
    models.TrialUserAttributeModel: _user_attributes,
    models.TrialIntermediateValueModel: _intermediate_values,
}
"""Gives a trial's rows, by Optuna's table, but the trial's own row; trials of Slalom have no system attributes."""
