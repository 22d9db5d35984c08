"""One run at a time: a silent holder is replaced, and what it writes later is refused; nothing is there twice."""

import subprocess
import sys
import time

import optuna
import pytest
from sqlalchemy import select, update

from slalom.errors import Infrastructure, InputError
from slalom.search.on_optuna import holding
from slalom.search.on_optuna.holding import HOLDERS, Hold
from tests.loop.worlds import sqlite_store, sqlite_url
from tests.search.on_optuna.test_store import SPEC, ended


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(holding, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(holding, "PATIENCE_SECONDS", 0.5)


def holders(store):
    with store._storage.engine.connect() as database:
        return database.execute(select(HOLDERS.c.home)).scalars().all()


def silent(store, home="silent"):
    """A hold of a run that gives no sign of life, as one that was stopped or cut off."""
    store._hold = Hold(store._storage.engine, store._root, home)
    store._hold.take()
    return store


def test_a_silent_run_is_replaced_and_writes_nothing_more(tmp_path):
    first, second = silent(sqlite_store(tmp_path, SPEC)), sqlite_store(tmp_path, SPEC)
    first.add([ended(number=0)])
    first.note("state", "running")
    began = time.monotonic()
    with second.held("second"):
        assert time.monotonic() - began >= 0.5
        with pytest.raises(Infrastructure, match=r"taken over by process \d+ on .* with the home second, since"):
            first.add([ended(number=1)])
        second.add([ended(number=1)])
        second.note("state", "complete")
        with pytest.raises(Infrastructure, match=r"taken over by process \d+ on .* with the home second, since"):
            first.note("state", "interrupted")
    with pytest.raises(Infrastructure, match="taken over by a run that has ended"):
        first.add([ended(number=2)])
    assert len(second.ended()) == 2
    assert second.notes() == {"state": "complete"}
    assert holders(second) == []


def test_a_run_whose_process_is_gone_is_replaced_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(holding, "PATIENCE_SECONDS", 1000.0)
    store = silent(sqlite_store(tmp_path, SPEC))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with store._storage.engine.begin() as database:
        database.execute(update(HOLDERS).values(process=gone.pid))
    with sqlite_store(tmp_path, SPEC).held("second"):
        assert holders(store) == ["second"]


def test_a_run_elsewhere_is_not_taken_for_gone_by_its_number(tmp_path):
    store = silent(sqlite_store(tmp_path, SPEC))
    with store._storage.engine.begin() as database:
        database.execute(update(HOLDERS).values(process=2**22 + 1, machine="another"))
    began = time.monotonic()
    with sqlite_store(tmp_path, SPEC).held("second"):
        assert time.monotonic() - began >= 0.5


def test_of_two_that_wait_for_a_silent_run_one_gets_the_study(tmp_path):
    silent(sqlite_store(tmp_path, SPEC))
    second, third = sqlite_store(tmp_path, SPEC), sqlite_store(tmp_path, SPEC)
    with second.held("second"), pytest.raises(InputError, match="with the home second"), third.held("third"):
        pass


def test_an_ended_block_holds_nothing_however_it_ended(tmp_path):
    store = sqlite_store(tmp_path, SPEC)
    with pytest.raises(ZeroDivisionError), store.held("here"):
        raise ZeroDivisionError
    assert holders(store) == []


def test_a_study_that_was_deleted_with_optunas_tools_can_be_run_again(tmp_path):
    """SQLite gives the numbers of deleted rows to new ones."""
    sqlite_store(tmp_path, SPEC).add([ended(number=number) for number in range(3)])
    for name in optuna.get_all_study_names(sqlite_url(tmp_path)):
        optuna.delete_study(study_name=name, storage=sqlite_url(tmp_path))
    store = sqlite_store(tmp_path, SPEC)
    store.note("state", "running")
    store._study(store._name("rising"))
    with store.held("here"):
        store.add([ended(number=number) for number in range(3)])
    assert len(store.ended()) == 3


@pytest.mark.thorough
def test_many_that_open_a_new_storage_at_once_all_can(tmp_path):
    code = (
        "import sys; from slalom.search.on_optuna import OptunaStore\n"
        "from tests.search.on_optuna.test_store import SPEC\n"
        "OptunaStore(sys.argv[1], SPEC, 'new').note('state', 'running')"
    )
    url = f"sqlite:///{tmp_path}/new.db"
    started = [subprocess.Popen([sys.executable, "-c", code, url], stderr=subprocess.PIPE, text=True) for _ in range(4)]
    told = [one.communicate()[1] for one in started]
    assert [one.returncode for one in started] == [0] * 4, told
