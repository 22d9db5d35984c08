"""Writes and reads trials by Optuna's own calls, one by one, where Optuna's tables are not those that Slalom knows.

A newer Optuna may have a further column, which it fills itself. Its calls take several times as long as the many rows
at once of `slalom.search.on_optuna.rows`.
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
"""The id, in the table `slalom_trial`, of a trial that is not yet written; each call first deletes such rows."""


def misfit(storage: RDBStorage) -> str | None:
    """Why rows cannot be written into Optuna's tables, found by writing some and rolling back; None where they can."""
    trial = create_trial(
        value=0.5,
        params={"probe": 0.5},
        distributions={"probe": FloatDistribution(0.0, 1.0)},
        user_attrs={"probe": 1},
        intermediate_values={1: 0.5},
    )
    try:
        probe(storage.engine, trial)
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
    """Add finished trials to their Optuna studies; where the call raises, some of them may be written.

    keys: one for each trial; IntegrityError, with nothing written, where a study has a trial of that key already
    verify: called first; its exception ends the call
    """
    engine = storage.engine
    rows = [
        {"study_id": study._study_id, "trial": key, "trial_id": UNWRITTEN}
        for (study, _), key in zip(trials, keys, strict=True)
    ]
    cut_off = (TRIALS.c.study_id.in_({study._study_id for study, _ in trials}), TRIALS.c.trial_id == UNWRITTEN)
    with Session(engine) as session, session.begin():
        verify(session)
        # An earlier call that was cut off could not delete its own: in an outage nothing can be written.
        session.execute(delete(TRIALS).where(*cut_off))
        session.execute(insert(TRIALS), rows)
    for (study, trial), key in zip(trials, keys, strict=True):
        trial_id = storage.create_new_trial(study._study_id, template_trial=trial)
        mine = (TRIALS.c.study_id == study._study_id, TRIALS.c.trial == key)
        with engine.begin() as database:
            database.execute(update(TRIALS).where(*mine).values(trial_id=trial_id))


def read_by_calls(storage: RDBStorage, studies: Sequence[int]) -> Iterator[Kept]:
    """The trials of the Optuna studies with these ids, in no order."""
    for study in studies:
        for trial in storage.get_all_trials(study, deepcopy=False):
            yield Kept(study, trial.user_attrs, trial.params)
