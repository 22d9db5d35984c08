"""What garbage collections leave out while a run lasts, and that they look at all of it again after it."""

import gc
from types import SimpleNamespace

import pytest

import slalom
from slalom import wiring
from slalom.loop.garbage import imports_spared
from tests.cluster.studies import SPEC
from tests.support.mlflow_tables import database

NONE, SOME = SimpleNamespace(trials=0), SimpleNamespace(trials=3)


@pytest.fixture(autouse=True)
def unfrozen():
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_what_lives_at_the_first_trial_is_spared_until_the_end_and_all_progress_is_passed_on():
    seen = []
    with imports_spared(seen.append) as watched:
        watched(NONE)
        assert gc.get_freeze_count() == 0
        watched(SOME)
        spared = gc.get_freeze_count()
        assert spared > 0
        watched(SOME)
        assert gc.get_freeze_count() == spared
    assert gc.get_freeze_count() == 0
    assert seen == [NONE, SOME, SOME]


def test_a_run_that_is_broken_off_spares_nothing_any_more():
    def broken_off(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), imports_spared(broken_off) as watched:
        watched(SOME)
    assert gc.get_freeze_count() == 0


def test_what_the_users_program_spares_stays_spared():
    gc.freeze()
    before = gc.get_freeze_count()
    with imports_spared(lambda _: None) as watched:
        watched(SOME)
    assert gc.get_freeze_count() == before


def test_a_study_spares_what_it_has_imported_while_it_runs(tmp_path):
    database(tmp_path)
    seen = []
    slalom.run(
        SPEC,
        tmp_path,
        lanes=wiring.local_lanes,
        watch=lambda progress: seen.append((progress.trials, gc.get_freeze_count())),
    )
    assert {bool(trials) == (spared > 0) for trials, spared in seen} == {True}
    assert max(spared for _, spared in seen) > 10_000
    assert gc.get_freeze_count() == 0
