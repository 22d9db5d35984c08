"""Trials that ended as rows of Optuna's tables, many in one transaction.

`Study.add_trial` is a transaction for each trial, reads a trial's row back for each of its values, and counts all
earlier trials for its number. Here Optuna's own models say what the tables are, and its own functions how a value is
stored, so what is read is the same (`tests/suggest/test_rows.py`).
"""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

from optuna.distributions import distribution_to_json
from optuna.storages._rdb import models
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from optuna.study import Study
    from optuna.trial import FrozenTrial
    from sqlalchemy.engine import Engine

    Row = dict[str, Any]


def write_rows(engine: Engine, trials: Sequence[tuple[Study, FrozenTrial]]) -> None:
    """Add finished trials to their studies: all of them, or none where it raises an SQLAlchemyError."""
    with Session(engine) as session, session.begin():
        # in one order, so that no two writers wait for each other
        studies = sorted({study._study_id for study, _ in trials})
        numbers = {study_id: count(_next_number(session, study_id)) for study_id in studies}
        written = [_trial(study._study_id, next(numbers[study._study_id]), trial) for study, trial in trials]
        session.add_all(written)
        session.flush()
        rows = [(row.trial_id, trial) for row, (_, trial) in zip(written, trials, strict=True)]
        for model, columns in PARTS.items():
            parts = [{"trial_id": trial_id, **part} for trial_id, trial in rows for part in columns(trial)]
            if parts:
                session.execute(insert(model.__table__), parts)


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
