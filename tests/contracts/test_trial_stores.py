"""What every store of trials promises, as `slalom.search.base` states it: SQLite, PostgreSQL and the fake."""

import math
from dataclasses import replace

import pytest

from slalom.errors import Infrastructure, InputError
from slalom.search.base import TrialStore
from slalom.search.in_memory import InMemoryStore
from slalom.search.on_optuna import OptunaStore, holding
from slalom.wire.trial import Outcome, Phase
from tests.loop.worlds import budget, exported, scattered, sqlite_store, study, train
from tests.search.on_optuna.test_store import SPEC, ended


class Sqlite:
    """Every store over the same file."""

    def __init__(self, request):
        self.folder = request.getfixturevalue("tmp_path")

    def __call__(self, spec=SPEC):
        return sqlite_store(self.folder, spec)


class Postgres:
    """Every store over the same database, emptied for each test."""

    def __init__(self, request):
        self.server = request.getfixturevalue("postgres")
        self.server.empty()

    def __call__(self, spec=SPEC):
        return OptunaStore(self.server.url, spec, self.server.shown)


class Memory:
    """A store of one study that lives as long as the test."""

    def __init__(self, request):
        self.stores = {}

    def __call__(self, spec=SPEC):
        return self.stores.setdefault(spec.fingerprint, InMemoryStore())


@pytest.fixture(
    params=[Sqlite, pytest.param(Postgres, marks=pytest.mark.slow), Memory], ids=["sqlite", "postgres", "memory"]
)
def stores(request):
    """Gives a store of a study, a new one over the same storage with each call."""
    return request.param(request)


def test_it_is_one(stores):
    store: TrialStore = stores()
    assert store.ended() == {}
    assert store.notes() == {}


def test_what_was_added_is_there_for_every_later_reader_without_its_weights(stores):
    trials = [ended(outcome, phase, number) for phase in Phase for number, outcome in enumerate(Outcome)]
    store = stores()
    store.add([replace(one, result=replace(one.result, weights=(b"heavy",))) for one in trials])
    for reader in (store, stores()):
        found = reader.ended()
        assert found == {one.spec.id: one for one in trials}


def test_numbers_that_are_not_finite_are_kept(stores):
    values = {"validation.error": math.nan, "test.error": -math.inf}
    trial = ended(metrics=values)
    stores().add([trial])
    assert repr(stores().ended()[trial.spec.id].result.metrics) == repr(trial.result.metrics)


def test_the_dictionary_is_the_callers_own(stores):
    store = stores()
    store.add([ended()])
    store.ended().clear()
    assert len(store.ended()) == 1


def test_nothing_may_be_added(stores):
    stores().add([])
    assert stores().ended() == {}


def test_of_a_note_the_last_stays(stores):
    store = stores()
    store.note("throughput", {"trials": 3, "seconds": 0.1 + 0.2})
    store.note("recorded", ["a", "b"])
    store.note("throughput", {"trials": 4, "seconds": 1e-17})
    store.note("submission", None)
    for reader in (store, stores()):
        assert reader.notes() == {
            "throughput": {"trials": 4, "seconds": 1e-17},
            "recorded": ["a", "b"],
            "submission": None,
        }
    assert stores().ended() == {}


def test_a_note_that_is_no_json_is_refused_and_the_one_before_stays(stores):
    store = stores()
    store.note("state", "running")
    with pytest.raises(TypeError):
        store.note("state", object())
    assert stores().notes() == {"state": "running"}


def test_studies_do_not_see_each_other(stores):
    other = replace(SPEC, fingerprint="f" * 64)
    stores().add([ended()])
    stores().note("state", "running")
    assert stores(other).ended() == {}
    assert stores(other).notes() == {}


def test_a_study_ends_the_same_over_each(stores):
    spec = study(trials=6, generation=3)
    store = train(spec, stores(spec), scattered(1, deaths=2))
    assert store.ended().keys() == budget(spec).keys()
    assert exported(spec, stores(spec)) == exported(spec, train(spec))


def test_a_trial_is_added_once(stores):
    trials = [ended(number=number) for number in range(3)]
    stores().add(trials[:2])
    with pytest.raises(Infrastructure):
        stores().add(trials[1:])
    assert stores().ended().keys() == {one.spec.id for one in trials[:2]}


def test_a_study_is_held_by_one_run_at_a_time(stores, monkeypatch):
    monkeypatch.setattr(holding, "BEAT_SECONDS", 0.05)
    other = replace(SPEC, fingerprint="f" * 64)
    with stores().held("here"), stores(other).held("there"):
        with pytest.raises(InputError, match=r"being run already,.* with the home here"), stores().held("there"):
            pass
        stores().add([ended()])
    with stores().held("there"):
        stores().add([ended(number=1)])
    assert len(stores().ended()) == 2
