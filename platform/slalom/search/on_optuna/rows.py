"""Trials that ended as rows of Optuna's tables, many in one transaction, and what is read of them.

`Study.add_trial` is a transaction for each trial, reads a trial's row back for each of its values, and counts all
earlier trials for its number; `Study.get_trials` makes an object of every value. Here Optuna's own models say what the
tables are, and its own functions how a value is stored, so what others read is the same
(`tests/search/on_optuna/test_rows.py`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from optuna.distributions import distribution_to_json, json_to_distribution
from optuna.storages._rdb import models
from sqlalchemy import Column, Integer, String, Table, delete, insert, select
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
"""Which of a study's trials are written, each once: two runs cannot both write one."""


class Kept(NamedTuple):
    """What is read of a trial: its study's id, its user attributes, and its parameters by name."""

    study_id: int
    attributes: Mapping[str, Any]
    params: Mapping[str, Any]


def read_rows(engine: Engine, studies: Sequence[int]) -> Iterator[Kept]:
    """The trials of the studies with these ids, as `write_rows` wrote them, in no order."""
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
    """Add finished trials to their studies: all of them, or none where it raises an SQLAlchemyError.

    keys: of the trials, each once in its study; IntegrityError where one is there already
    verify: called first in the transaction; what it raises ends it
    """
    with Session(engine) as session, session.begin():
        verify(session)
        _write(session, trials, keys)


def probe(engine: Engine, study: Study, trial: FrozenTrial) -> None:
    """Write a trial into a study without trials, read it, and roll all of it back.

    Raises what these raise, and LookupError where what is read is not what was written.
    """
    with Session(engine) as session:
        _write(session, [(study, trial)], ["probe"])
        if [*_read(session, [study._study_id])] != [Kept(study._study_id, trial.user_attrs, trial.params)]:
            raise LookupError("a trial is read otherwise than it was written")
        session.rollback()


def _write(session: Session, trials: Sequence[tuple[Study, FrozenTrial]], keys: Sequence[str]) -> None:
    # in one order, so that no two writers wait for each other
    studies = sorted({study._study_id for study, _ in trials})
    numbers = {study_id: count(_next_number(session, study_id)) for study_id in studies}
    written = [_trial(study._study_id, next(numbers[study._study_id]), trial) for study, trial in trials]
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
    """Forget the keys of trials that others have deleted from these studies, as Optuna's dashboard can."""
    there = select(models.TrialModel.trial_id).where(models.TrialModel.study_id == TRIALS.c.study_id)
    with engine.begin() as database:
        database.execute(delete(TRIALS).where(TRIALS.c.study_id.in_(studies), TRIALS.c.trial_id.not_in(there)))


def _next_number(session: Session, study_id: int) -> int:
    """One more than the last trial's: numbers follow the ids. The study is locked until the transaction's end."""
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
"""A trial's rows in each table but its own; system attributes are Optuna's, and a trial that ended here has none."""
