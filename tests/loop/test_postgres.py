"""The storage that a team shares: the same study, with the server going away in its middle."""

from dataclasses import replace

import optuna
import pytest

from slalom.errors import Infrastructure
from slalom.search.on_optuna import OptunaStore
from tests.loop.worlds import MIXED, budget, exported, rows_in_database, scattered, study, train, written
from tests.search.on_optuna.test_rows import MIXTURE, OneByOne
from tests.search.on_optuna.test_store import SPEC as ROWS
from tests.support.postgres import PASSWORD

SPEC = study(space=MIXED, trials=6, generation=3, searches=2, pick=(2, 2))


@pytest.fixture
def url(postgres):
    """The server, emptied afterwards."""
    yield postgres.url
    postgres.empty()


class Failing:
    """A store whose server stops before a call by which the `at`-th trial were written; `kept` counts those before."""

    def __init__(self, store, postgres, at):
        self._store, self._postgres, self._at = store, postgres, at
        self.kept = 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    def add(self, ended):
        if self.kept + len(ended) >= self._at:
            self._postgres.stop()
        self._store.add(ended)
        self.kept += len(ended)


def test_a_study_outlives_its_server(postgres, url):
    store = OptunaStore(url, SPEC, postgres.shown)
    with pytest.raises(Infrastructure) as caught:
        train(SPEC, failing := Failing(store, postgres, at=14), scattered(1))
    postgres.start()
    assert postgres.shown in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert 0 < len(store.ended()) == failing.kept < 14

    train(SPEC, OptunaStore(url, SPEC, postgres.shown), scattered(2, deaths=4))
    assert written(SPEC, store) == budget(SPEC)
    assert exported(SPEC, store) == exported(SPEC, train(SPEC))
    assert rows_in_database(url) == {
        (arm.name, search, phase): size
        for arm in SPEC.arms
        for search in (0, 1)
        for phase, size in (("tune", 6), ("pick", 4), ("confirm", SPEC.confirm_seeds))
    }


def test_a_wrong_password_is_told_without_it(postgres):
    wrong = postgres.url.replace(PASSWORD, "open-sesame")
    with pytest.raises(Infrastructure, match="password authentication failed") as caught:
        OptunaStore(wrong, SPEC, postgres.shown)
    assert "open-sesame" not in str(caught.value)
    assert postgres.shown in str(caught.value)


def test_a_server_that_is_not_there_is_told(postgres):
    nobody = postgres.url.replace(str(postgres.port), "1")
    with pytest.raises(Infrastructure, match="refused") as caught:
        OptunaStore(nobody, SPEC, postgres.shown)
    assert PASSWORD not in str(caught.value)


def test_many_at_once_are_what_optuna_writes_one_by_one(postgres, url):
    for fingerprint, way in enumerate((lambda store: store, OneByOne)):
        spec = replace(ROWS, fingerprint=str(fingerprint) * 64)
        way(OptunaStore(url, spec, postgres.shown)).add(MIXTURE)
    one, other = (
        [
            repr(trial).replace(f"trial_id={trial._trial_id}", "")
            for trial in optuna.load_study(study_name=name, storage=url).trials
        ]
        for name in ("momentum/000000000000/rising", "momentum/111111111111/rising")
    )
    assert one == other
    assert len(one) > 4
