"""Trials written many at once are what Optuna would have written one by one."""

import math
import sqlite3
from contextlib import closing
from dataclasses import replace

import optuna
import pytest

from slalom.errors import Infrastructure
from slalom.search.on_optuna.translate import stored
from slalom.wire.trial import Outcome, Phase, Report
from tests.loop.worlds import sqlite_store, sqlite_url
from tests.search.on_optuna.test_store import NASTY, SPEC, ended

NOT_FINITE = (math.nan, math.inf, -math.inf, 0.5)


def with_history(trial, values):
    history = tuple(Report(trial.spec.id, 1, epoch, {"validation.error": one}) for epoch, one in enumerate(values, 1))
    return replace(trial, result=replace(trial.result, history=history))


MIXTURE = [
    *(ended(outcome, number=number) for number, outcome in enumerate(Outcome)),
    ended(arm="constant", params={"learning_rate": 0.5, "layers": 1, "optimizer": "sgd", "size": 16}),
    ended(phase=Phase.PICK, search=2, number=7),
    ended(phase=Phase.CONFIRM, error="„Größe“\n\x00\ud83d"),
    with_history(ended(number=4), NOT_FINITE),
    with_history(ended(Outcome.PRUNED, number=5), ()),
    ended(arm="constant", number=1, metrics={"validation.error": math.inf}),
]


class OneByOne:
    """Over Optuna's public interface."""

    def __init__(self, store):
        self._store = store

    def add(self, trials):
        for trial in trials:
            self._store._study(self._store._name(trial.spec.id.arm)).add_trial(stored(trial, SPEC))


def tables(folder):
    """Every row of every table of Optuna's."""
    with closing(sqlite3.connect(folder / "optuna.db")) as database:
        found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'slalom%'")
        names = [name for (name,) in found]
        return {name: database.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in names}


def studies(url):
    """All trials as Optuna shows them, and each study's best."""
    found = [optuna.load_study(study_name=name, storage=url) for name in optuna.get_all_study_names(url)]
    return {one.study_name: repr((one.trials, one.best_trial if one.best_trials else None)) for one in found}


def test_many_at_once_are_what_optuna_writes_one_by_one(tmp_path):
    folders = tmp_path / "one by one", tmp_path / "at once"
    for folder in folders:
        folder.mkdir()
    OneByOne(sqlite_store(folders[0], SPEC)).add(MIXTURE)
    sqlite_store(folders[1], SPEC).add(MIXTURE)
    one_by_one, at_once = map(tables, folders)
    assert len(one_by_one["trials"]) == len(MIXTURE)
    assert at_once == one_by_one
    assert studies(sqlite_url(folders[1])) == studies(sqlite_url(folders[0]))


def test_optuna_shows_when_a_trial_ran(tmp_path):
    sqlite_store(tmp_path, SPEC).add(MIXTURE)
    shown = optuna.load_study(study_name=f"{SPEC.name}/{SPEC.fingerprint[:12]}/rising", storage=sqlite_url(tmp_path))
    assert shown.trials[0].datetime_start.timestamp() == pytest.approx(1.7e9 + 1 / 3)
    assert shown.trials[0].duration.total_seconds() == pytest.approx(0.7 - 1 / 3, abs=1e-5)
    assert shown.best_value == NASTY[0]


def test_numbers_go_on_from_call_to_call_and_from_process_to_process(tmp_path):
    first = sqlite_store(tmp_path, SPEC)
    first.add([ended(number=number) for number in range(3)])
    first.add([ended(number=3)])
    first.add([])
    OneByOne(first).add([ended(number=4)])
    sqlite_store(tmp_path, SPEC).add([ended(number=5), ended(arm="constant"), ended(number=6)])
    first.add([ended(number=7)])
    numbers = {
        name.rpartition("/")[2]: [trial.number for trial in study.trials]
        for name in optuna.get_all_study_names(sqlite_url(tmp_path))
        for study in [optuna.load_study(study_name=name, storage=sqlite_url(tmp_path))]
    }
    assert numbers == {"rising": list(range(8)), "constant": [0]}


@pytest.mark.parametrize("broken", ["trial_params", "trial_intermediate_values"])
def test_a_call_that_fails_in_its_middle_writes_nothing(tmp_path, broken):
    store = sqlite_store(tmp_path, SPEC)
    store.add(MIXTURE[:2])
    before = tables(tmp_path)
    with closing(sqlite3.connect(tmp_path / "optuna.db")) as database:
        database.execute(f"ALTER TABLE {broken} RENAME TO gone")
    with pytest.raises(Infrastructure, match=broken):
        store.add(MIXTURE[2:4])
    with closing(sqlite3.connect(tmp_path / "optuna.db")) as database:
        database.execute(f"ALTER TABLE gone RENAME TO {broken}")
    assert tables(tmp_path) == before
    store.add(MIXTURE[2:])
    assert store.ended().keys() == {trial.spec.id for trial in MIXTURE}
