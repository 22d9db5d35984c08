"""The storage: what is written is read back to the bit, and what goes wrong is told without the password."""

import math
import sqlite3
from contextlib import closing
from dataclasses import replace

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.storages._rdb.models import BaseModel, StudyModel
from sqlalchemy import create_engine

from slalom.errors import Infrastructure
from slalom.records import InMemoryRecorder
from slalom.search.on_optuna import OptunaStore
from slalom.search.on_optuna.rows import Kept
from slalom.search.on_optuna.survey import survey
from slalom.search.on_optuna.translate import stored, thawed
from slalom.study.trials import trial_spec
from slalom.wire.trial import Ended, Outcome, Phase, Report, TrialId, TrialResult
from tests.loop.worlds import MIXED, Nature, exported, one_lane, scattered, sqlite_store, sqlite_url, study, train

SPEC = study(space=MIXED)
PARAMS = {"learning_rate": 0.1 + 0.2, "layers": 3, "optimizer": "adam", "size": True}
NASTY = (0.1 + 0.2, -0.0, 5e-324, 1.7976931348623157e308, 1 / 3, -(2.0**-1074), 123456789.12345679)


def ended(outcome=Outcome.COMPLETE, phase=Phase.TUNE, number=0, arm="rising", params=PARAMS, search=0, **result):
    trial = TrialId(arm, phase, number, search)
    history = tuple(
        Report(trial, 1, epoch, {"validation.error": value, "train.loss": -value})
        for epoch, value in enumerate(NASTY, 1)
    )
    facts = {"metrics": {"validation.error": NASTY[0], "test.error": 1e-17}, "history": history} | result
    made = TrialResult(trial, 1, outcome, len(history), device="cpu", lane="lane 3 on 10.0.0.7", **facts)
    return Ended(trial_spec(SPEC, trial, params, 1), replace(made, started=1.7e9 + 1 / 3, ended=1.7e9 + 0.7))


ENDINGS = [
    ended(phase=phase, outcome=outcome, error=error, search=3, not_deterministic=("put_", "kthvalue CUDA"))
    for phase in Phase
    for outcome, error in zip(Outcome, (None, None, None, "RuntimeError: „Größe“\n\x00\ud83d of 3"), strict=True)
]


def same(one, other):
    """Equal, types and bits included: NaN too, and -0.0 is not 0.0."""
    return one == other and repr(one) == repr(other) if not _has_nan(one) else repr(one) == repr(other)


def _has_nan(trial):
    metrics = [trial.result.metrics, *(report.metrics for report in trial.result.history)]
    return any(math.isnan(value) for found in metrics for value in found.values())


@pytest.mark.parametrize("trial", ENDINGS, ids=lambda trial: f"{trial.spec.id.phase} {trial.result.outcome}")
def test_a_trial_is_read_back_as_it_was_written(tmp_path, trial):
    sqlite_store(tmp_path, SPEC).add([trial])
    again = sqlite_store(tmp_path, SPEC).ended()
    assert again.keys() == {trial.spec.id}
    assert same(_sorted(again[trial.spec.id]), _sorted(trial))


def _sorted(trial):
    """Parameters in the order of their names: a storage keeps none."""
    return replace(trial, spec=replace(trial.spec, params=dict(sorted(trial.spec.params.items()))))


anything = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=80, deadline=None)
@given(
    outcome=st.sampled_from(Outcome),
    rate=st.floats(1e-3, 1.0),
    layers=st.integers(1, 4),
    size=st.sampled_from((16, 2.5, True)),
    values=st.lists(st.tuples(anything, anything), max_size=4),
    last=anything,
    error=st.none() | st.text(max_size=20),
)
def test_freezing_loses_nothing(outcome, rate, layers, size, values, last, error):
    """Whatever the numbers are, though training never reports some of them."""
    params = {"layers": layers, "learning_rate": rate, "optimizer": "sgd", "size": size}
    base = ended(outcome, params=params, error=error)
    history = tuple(
        Report(base.spec.id, 1, epoch, {"validation.error": one, "train.loss": other})
        for epoch, (one, other) in enumerate(values, 1)
    )
    trial = replace(base, result=replace(base.result, metrics={"validation.error": last}, history=history))
    frozen = stored(trial, SPEC)
    assert same(thawed(Kept(0, frozen.user_attrs, frozen.params), SPEC, "rising"), trial)


def test_every_trial_of_a_run_is_read_back_as_it_was_recorded(tmp_path):
    nature = Nature(diverges=lambda trial: 2 if trial.params["learning_rate"] > 0.3 else None)
    spec, recorder = study(space=MIXED, trials=8), InMemoryRecorder()
    train(spec, sqlite_store(tmp_path, spec), scattered(1, nature=nature, deaths=3), recorder)
    assert sqlite_store(tmp_path, spec).ended() == recorder.records.trials


def test_studies_that_differ_share_a_storage_and_nothing_else(tmp_path):
    one, other = study(trials=4, generation=4), study(trials=4, generation=4, seed=1)
    store = train(one, sqlite_store(tmp_path, one))
    before = exported(one, store)
    assert sqlite_store(tmp_path, other).ended() == {}
    assert sqlite_store(tmp_path, other).notes() == {}
    train(other, sqlite_store(tmp_path, other), one_lane(Nature(test=2.0)))
    assert exported(one, sqlite_store(tmp_path, one)) == before


def test_optuna_shows_what_each_trial_came_to(tmp_path):
    """For who looks at the storage with Optuna's own tools."""
    store = sqlite_store(tmp_path, SPEC)
    store.add([ended(outcome, number=number) for number, outcome in enumerate(Outcome)])
    name = next(name for name in optuna.get_all_study_names(sqlite_url(tmp_path)) if name.endswith("rising"))
    shown = optuna.load_study(study_name=name, storage=sqlite_url(tmp_path))
    assert [trial.state.name for trial in shown.trials] == ["COMPLETE", "PRUNED", "FAIL", "FAIL"]
    assert [trial.values for trial in shown.trials] == [[NASTY[0]], [NASTY[-1]], None, None]
    assert {(trial.user_attrs["search"], trial.user_attrs["phase"]) for trial in shown.trials} == {(0, "tune")}
    assert [trial.params for trial in shown.trials] == [PARAMS] * 4
    assert shown.best_value == NASTY[0]
    assert shown.direction.name == "MINIMIZE"
    assert shown.trials[1].intermediate_values == dict(enumerate(NASTY, 1))
    assert shown.metric_names == ["validation error"], "what the values are"


def test_optuna_shows_no_study_without_trials(tmp_path):
    """A study's notes are in a table of their own."""
    store = sqlite_store(tmp_path, SPEC)
    with store.held("here"):
        store.note("state", "running")
        store.add([ended()])
    names = optuna.get_all_study_names(sqlite_url(tmp_path))
    assert names == [f"{SPEC.name}/{SPEC.fingerprint[:12]}/rising"]


def test_optuna_shows_the_test_value_of_a_confirm_trial_as_an_attribute(tmp_path):
    metrics = {"validation.error": 0.5, "test.error": 0.25}
    sqlite_store(tmp_path, SPEC).add([ended(phase=Phase.CONFIRM, metrics=metrics), ended(metrics=metrics)])
    (name,) = optuna.get_all_study_names(sqlite_url(tmp_path))
    confirmed, tuned = optuna.load_study(study_name=name, storage=sqlite_url(tmp_path)).trials
    assert (confirmed.value, confirmed.user_attrs["test error"]) == (0.5, 0.25)
    assert tuned.value == 0.5


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_completed_trial_without_a_finite_metric_is_kept(tmp_path, value):
    trial = ended(metrics={"validation.error": value})
    sqlite_store(tmp_path, SPEC).add([trial])
    again = sqlite_store(tmp_path, SPEC).ended()[trial.spec.id]
    assert again.result.outcome is Outcome.COMPLETE
    assert repr(again.result.metrics) == repr(trial.result.metrics)


def test_notes_are_kept_and_the_last_one_stays(tmp_path):
    store = sqlite_store(tmp_path, SPEC)
    assert store.notes() == {}
    assert optuna.get_all_study_names(sqlite_url(tmp_path)) == []
    store.note("throughput", {"trials": 3, "seconds": 0.1 + 0.2})
    store.note("recorded", ["a", "b"])
    store.note("throughput", {"trials": 4, "seconds": 1e-17})
    assert sqlite_store(tmp_path, SPEC).notes() == {
        "throughput": {"trials": 4, "seconds": 1e-17},
        "recorded": ["a", "b"],
    }
    assert sqlite_store(tmp_path, SPEC).ended() == {}


def test_a_new_file_and_its_folders_are_made(tmp_path):
    url = f"sqlite:///{tmp_path}/a new/home/optuna.db"
    OptunaStore(url, SPEC, url).add([ended()])
    with closing(sqlite3.connect(tmp_path / "a new" / "home" / "optuna.db")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert len(OptunaStore(url, SPEC, url).ended()) == 1


def test_a_storage_in_memory_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert OptunaStore("sqlite://", SPEC, "sqlite://").ended() == {}
    assert list(tmp_path.iterdir()) == []


def not_a_database(folder):
    (folder / "optuna.db").write_text("a shopping list, " * 99)
    return f"sqlite:///{folder}/optuna.db"


def a_folder(folder):
    (folder / "optuna.db").mkdir()
    return f"sqlite:///{folder}/optuna.db"


def under_a_file(folder):
    (folder / "home").write_text("")
    return f"sqlite:///{folder}/home/optuna.db"


def of_another_optuna(folder):
    url = sqlite_url(folder)
    with closing(sqlite3.connect(folder / "optuna.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = 'v0.9.0.a'")
        database.commit()
    return url


BROKEN = {
    "not a database": (not_a_database, "file is not a database"),
    "a folder": (a_folder, "unable to open database file"),
    "under a file": (under_a_file, "File exists|Not a directory"),
    "another Optuna's": (of_another_optuna, "storage upgrade"),
    "nobody listens": (lambda _: "postgresql+psycopg2://me:hush@127.0.0.1:1/db", "refused"),
    "no such kind": (lambda _: "postgrsql://me:hush@localhost/db", "postgrsql"),
    "no driver": (lambda _: "mysql+pymysql://me:hush@localhost/db", "pymysql"),
    "no URL": (lambda _: "me:hush@localhost", "URL"),
    "no port": (lambda _: "postgresql+psycopg2://me:hush@localhost:port/db", "port"),
    "no host": (lambda _: "postgresql+psycopg2://me:hush@[::1/db", ":1"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_storage_that_does_not_answer_is_told(tmp_path, name):
    make, reason = BROKEN[name]
    with pytest.raises(Infrastructure, match=reason) as caught:
        OptunaStore(make(tmp_path), SPEC, "postgresql://me:***@shown/db")
    assert "the Optuna storage postgresql://me:***@shown/db does not answer" in str(caught.value)
    assert "check --storage" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    "call", [lambda s: s.ended(), lambda s: s.add([ended()]), lambda s: s.note("a", 1), lambda s: s.notes()]
)
def test_a_storage_that_breaks_later_is_told_too(tmp_path, call):
    store = sqlite_store(tmp_path, SPEC)
    with closing(sqlite3.connect(tmp_path / "optuna.db")) as database:
        for table in ("trials", "studies", "slalom_note"):
            database.execute(f"ALTER TABLE {table} RENAME TO {table}_gone")
        database.commit()
    with pytest.raises(Infrastructure, match="the Optuna storage sqlite does not answer"):
        call(store)


def test_a_storage_whose_tables_are_being_made_holds_no_study(tmp_path):
    """Optuna makes one table after the other, while `slalom status` may look."""
    engine = create_engine(f"sqlite:///{tmp_path}/optuna.db")
    StudyModel.__table__.create(engine)
    assert survey(engine) == []
    BaseModel.metadata.create_all(engine)
    assert survey(engine) == []
