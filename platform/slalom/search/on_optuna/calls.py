"""Trials that ended by Optuna's own calls, one by one: the way where Optuna's tables are others than Slalom knows.

A newer Optuna may have a column more, which it fills itself. Its calls take several times as long as rows written many
at once (`slalom.search.on_optuna.rows`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna.distributions import FloatDistribution
from optuna.trial import create_trial
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from slalom.database import of_other_tables, reason_of
from slalom.search.on_optuna.rows import TRIALS, Kept, probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from optuna.storages import RDBStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial

UNWRITTEN = -1
"""In the table of keys, the id of a trial that is still to be written; such keys are forgotten when a run begins."""


def misfit(storage: RDBStorage, study: Study) -> str | None:
    """Why rows cannot be written into Optuna's tables, found by a row that is rolled back; None where they can.

    study: of the storage, without trials
    """
    trial = create_trial(
        value=0.5,
        params={"probe": 0.5},
        distributions={"probe": FloatDistribution(0.0, 1.0)},
        user_attrs={"probe": 1},
        intermediate_values={1: 0.5},
    )
    try:
        probe(storage.engine, study, trial)
    except (SQLAlchemyError, LookupError, TypeError, AttributeError) as exc:
        if not of_other_tables(exc):
            raise
        return reason_of(exc)
    return None


def write_by_calls(
    storage: RDBStorage,
    trials: Sequence[tuple[Study, FrozenTrial]],
    keys: Sequence[str],
    verify: Callable[[Session], None] = lambda _: None,
) -> None:
    """Add finished trials to their studies; where it raises, some may be written.

    keys: of the trials, each once in its study; IntegrityError where one is there already, and nothing is written
    verify: called first; what it raises ends it
    """
    engine = storage.engine
    rows = [
        {"study_id": study._study_id, "trial": key, "trial_id": UNWRITTEN}
        for (study, _), key in zip(trials, keys, strict=True)
    ]
    with Session(engine) as session, session.begin():
        verify(session)
        session.execute(insert(TRIALS), rows)
    try:
        for (study, trial), key in zip(trials, keys, strict=True):
            trial_id = storage.create_new_trial(study._study_id, template_trial=trial)
            mine = (TRIALS.c.study_id == study._study_id, TRIALS.c.trial == key)
            with engine.begin() as database:
                database.execute(update(TRIALS).where(*mine).values(trial_id=trial_id))
    except BaseException:
        studies = {study._study_id for study, _ in trials}
        with engine.begin() as database:
            database.execute(delete(TRIALS).where(TRIALS.c.study_id.in_(studies), TRIALS.c.trial_id == UNWRITTEN))
        raise


def read_by_calls(storage: RDBStorage, studies: Sequence[int]) -> Iterator[Kept]:
    """The trials of the studies with these ids, in no order."""
    for study in studies:
        for trial in storage.get_all_trials(study, deepcopy=False):
            yield Kept(study, trial.user_attrs, trial.params)
