"""The storage that a team shares: the same study, with the server going away in its middle."""

import optuna
import pytest

from slalom.errors import Infrastructure
from slalom.suggest import TrialStore
from tests.loop.worlds import MIXED, budget, exported, rows_in_database, scattered, study, train, written
from tests.postgres import PASSWORD

SPEC = study(space=MIXED, trials=6, generation=3)


@pytest.fixture
def url(postgres):
    """The server, emptied afterwards."""
    yield postgres.url
    for name in optuna.get_all_study_names(postgres.url):
        optuna.delete_study(study_name=name, storage=postgres.url)


class Failing:
    """A store whose server stops before the `at`-th trial is written."""

    def __init__(self, store, postgres, at):
        self._store, self._postgres, self._left = store, postgres, at

    def __getattr__(self, name):
        return getattr(self._store, name)

    def add(self, ended):
        self._left -= 1
        if self._left == 0:
            self._postgres.stop()
        self._store.add(ended)


def test_a_study_outlives_its_server(postgres, url):
    store = TrialStore(url, SPEC, postgres.shown)
    with pytest.raises(Infrastructure) as caught:
        train(SPEC, Failing(store, postgres, at=14), scattered(1))
    postgres.start()
    assert postgres.shown in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert len(store.ended()) == 13

    train(SPEC, TrialStore(url, SPEC, postgres.shown), scattered(2, deaths=4))
    assert written(SPEC, store) == budget(SPEC)
    assert exported(SPEC, store) == exported(SPEC, train(SPEC))
    rows = rows_in_database(url)
    assert set(rows.values()) == {SPEC.tune.trials, SPEC.confirm_seeds}
    assert len(rows) == 4


def test_a_wrong_password_is_told_without_it(postgres):
    wrong = postgres.url.replace(PASSWORD, "open-sesame")
    with pytest.raises(Infrastructure, match="password authentication failed") as caught:
        TrialStore(wrong, SPEC, postgres.shown)
    assert "open-sesame" not in str(caught.value)
    assert postgres.shown in str(caught.value)


def test_a_server_that_is_not_there_is_told(postgres):
    nobody = postgres.url.replace(str(postgres.port), "1")
    with pytest.raises(Infrastructure, match="refused") as caught:
        TrialStore(nobody, SPEC, postgres.shown)
    assert PASSWORD not in str(caught.value)
