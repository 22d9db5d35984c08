"""A vendor's tables that are others than Slalom knows: its own calls are used instead of rows, and that is said."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from slalom.errors import Infrastructure, Outage
from slalom.search.on_optuna import rows
from slalom.wire.trial import Outcome
from tests.loop.worlds import sqlite_store
from tests.records.recorded import record
from tests.search.on_optuna.test_rows import MIXTURE
from tests.search.on_optuna.test_store import SPEC, _has_nan, ended
from tests.support.mlflow_tables import database
from tests.support.record_samples import all_ended, summary


@pytest.fixture
def stale(monkeypatch):
    """As if Optuna had renamed a column of its tables, and its own code knew so."""
    known = dict(rows.PARTS)
    of_params = next(model for model in known if "Param" in model.__name__)

    def old_names(trial):
        for row in known[of_params](trial):
            yield {name: value for name, value in row.items() if name != "param_name"}

    monkeypatch.setattr(rows, "PARTS", known | {of_params: old_names})


def test_trials_go_through_optunas_own_calls_and_are_the_same(tmp_path, stale, caplog):
    trials = [one for one in MIXTURE if not _has_nan(one)]  # which equals nothing
    store = sqlite_store(tmp_path, SPEC)
    with store.held("home"):
        store.add(trials)
    (said,) = [one.getMessage() for one in caplog.records if one.name == "slalom"]
    assert "Optuna's own calls, which are slower" in said
    assert "\n" not in said
    assert store.ended() == sqlite_store(tmp_path, SPEC).ended() == {one.spec.id: one for one in trials}


def test_no_trial_is_written_twice_by_calls_either(tmp_path, stale):
    store = sqlite_store(tmp_path, SPEC)
    with store.held("home"):
        store.add([ended()])
        with pytest.raises(Infrastructure, match="already"):
            store.add([ended(number=1), ended()])
        assert len(store.ended()) == 1
        store.add([ended(number=1)])
    assert len(store.ended()) == 2


def test_what_fails_between_two_calls_can_be_added_by_the_next_run(tmp_path, stale, monkeypatch):
    store = sqlite_store(tmp_path, SPEC)
    real, count = store._storage.create_new_trial, iter(range(9))

    def failing(*arguments, **named):
        if next(count) == 1:
            raise OSError("gone")
        return real(*arguments, **named)

    monkeypatch.setattr(store._storage, "create_new_trial", failing)
    with store.held("home"):
        with pytest.raises(Infrastructure, match="gone"):
            store.add([ended(), ended(number=1), ended(number=2)])
        there = store.ended()
        assert len(there) == 1
        store.add([one for one in (ended(), ended(number=1), ended(number=2)) if one.spec.id not in there])
    assert len(store.ended()) == 3


def test_what_an_outage_cuts_off_between_two_calls_can_be_added_after_it(tmp_path, stale, monkeypatch):
    store = sqlite_store(tmp_path, SPEC)
    real, calls, away = store._storage.create_new_trial, iter(range(9)), []

    def gone(*_):
        raise OperationalError("INSERT", {}, ConnectionResetError("server closed the connection unexpectedly"))

    def failing(*arguments, **named):
        if next(calls) == 1:
            away.append(True)
            gone()
        return real(*arguments, **named)

    monkeypatch.setattr(store._storage, "create_new_trial", failing)
    with store.held("home"):
        event.listen(store._storage.engine, "begin", lambda _: gone() if away else None)
        with pytest.raises(Outage):
            store.add([ended(), ended(number=1), ended(number=2)])
        away.clear()
        there = store.ended()
        store.add([one for one in (ended(), ended(number=1), ended(number=2)) if one.spec.id not in there])
    assert len(store.ended()) == 3


def test_a_column_more_that_optuna_fills_stops_nothing(tmp_path):
    store = sqlite_store(tmp_path, SPEC)
    with closing(sqlite3.connect(tmp_path / "optuna.db")) as tables:
        tables.execute("ALTER TABLE trials ADD COLUMN revision INTEGER")
    with store.held("home"):
        store.add([ended(Outcome.PRUNED)])
    assert len(store.ended()) == 1


def test_the_row_that_is_tried_leaves_nothing(tmp_path, caplog):
    store = sqlite_store(tmp_path, SPEC)
    with store.held("home"):
        pass
    with closing(sqlite3.connect(tmp_path / "optuna.db")) as tables:
        for table in ("trials", "trial_params", "trial_values", "trial_user_attributes", "slalom_trial"):
            assert tables.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    assert not [told for told in caplog.records if told.name == "slalom"]


def test_a_full_disk_is_no_other_table(tmp_path, caplog):
    """It would make every later trial slow, and hide what is to be done."""
    store = sqlite_store(tmp_path, SPEC)
    with closing(sqlite3.connect(tmp_path / "optuna.db")) as tables:
        tables.execute("CREATE TRIGGER full BEFORE INSERT ON trials BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
    with pytest.raises(Infrastructure, match="the disk is full"), store.held("home"):
        pass
    with closing(sqlite3.connect(tmp_path / "optuna.db")) as tables:
        tables.execute("DROP TRIGGER full")
    with store.held("home"):
        store.add([ended()])
    assert len(store.ended()) == 1
    assert not [told for told in caplog.records if told.name == "slalom"]


def test_an_outage_while_trials_are_read_is_no_other_table(tmp_path, monkeypatch, caplog):
    store = sqlite_store(tmp_path, SPEC)
    store.add([ended()])

    def gone(*_):
        raise OperationalError("SELECT", {}, ConnectionResetError("server closed the connection unexpectedly"))

    with monkeypatch.context() as patch:
        patch.setattr("slalom.search.on_optuna.store.read_rows", gone)
        with pytest.raises(Outage):
            store_elsewhere(store).ended()
    assert len(store.ended()) == 1
    assert not [told for told in caplog.records if told.name == "slalom"]


def store_elsewhere(store):
    """The store as it is where its storage is a server's, whose restart is an outage."""
    store._shown = "postgresql://somewhere/studies"
    return store


def test_runs_go_through_mlflows_own_calls_and_show_the_same(tmp_path, monkeypatch, caplog):
    told = ("trials", all_ended()), ("summary", summary())
    before = record(database(tmp_path / "known"), *told)
    from slalom.records.on_mlflow.trial_runs import over_tables
    from slalom.records.on_mlflow.trial_runs import rows as run_rows

    assert not [told for told in caplog.records if told.name == "slalom"]
    real = run_rows.run_row

    def refused(*arguments):
        """As if a newer MLflow had other names for a run's status."""
        return {**real(*arguments), "status": "ENDED"}

    monkeypatch.setattr(over_tables.rows, "run_row", refused)
    assert record(database(tmp_path / "other"), *told) == before
    (said,) = [one.getMessage() for one in caplog.records if one.name == "slalom"]
    assert "MLflow's own calls, which are slower" in said
    assert "\n" not in said


def test_a_run_that_is_tried_leaves_nothing(tmp_path):
    record(database(tmp_path))
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as tables:
        for table in ("runs", "params", "metrics", "latest_metrics"):
            assert "probe" not in repr(tables.execute(f"SELECT * FROM {table}").fetchall()), table
