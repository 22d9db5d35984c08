"""A new file of trials is there with all its tables, or not at all."""

import pytest

from slalom.home import Home
from slalom.search.on_optuna import file, store
from tests.loop.worlds import sqlite_store
from tests.search.on_optuna.test_store import SPEC
from tests.support.mlflow_tables import database


def opening(seen, home):
    """Opens a storage as the store does, and notes what others see of the home meanwhile."""
    real = store._opened

    def opened(url):
        seen.append((Home(home).has_trials, Home(home).has_lost_trials))
        made = real(url)
        seen.append((Home(home).has_trials, Home(home).has_lost_trials))
        return made

    return opened


def test_nobody_sees_a_file_without_tables(tmp_path, monkeypatch):
    database(tmp_path)
    seen = []
    monkeypatch.setattr(store, "_opened", opening(seen, tmp_path))
    made = store.OptunaStore(Home(tmp_path).storage_url, SPEC, "here")
    assert made.notes() == {}
    assert seen == [(False, False), (False, False), (True, False), (True, False)]
    assert {one.name for one in tmp_path.iterdir()} - {"mlflow.db"} <= {"optuna.db", "optuna.db-wal", "optuna.db-shm"}


def test_a_process_that_ends_while_the_tables_are_made_leaves_no_file(tmp_path):
    def broken(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        file.make_file(Home(tmp_path).storage_url, broken)
    assert [*tmp_path.iterdir()] == []


def test_the_file_of_whoever_was_faster_is_kept(tmp_path):
    """Both made the tables at once."""
    url = Home(tmp_path).storage_url

    def slower(its):
        faster = sqlite_store(tmp_path, SPEC) if not (tmp_path / "optuna.db").exists() else None
        if faster is not None:
            faster.note("state", "running")
        return store._opened(its)

    file.make_file(url, slower)
    assert store.OptunaStore(url, SPEC, "here").notes() != {}
