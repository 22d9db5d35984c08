"""A study that extends one: it finds what it finds when nothing is there, and trains only what is new."""

import itertools
import random
from dataclasses import replace

import pytest

from slalom.errors import Interrupted
from slalom.loop.notes import Note, Notes, note_extended, note_versions
from slalom.wire.trial import Outcome, Phase
from tests.loop.worlds import (
    COUNTED,
    MIXED,
    FakeWorker,
    InProcessLanes,
    MemoryStore,
    Nature,
    Wire,
    exported,
    scattered,
    sqlite_store,
    study,
    train,
    written,
)
from tests.support.tiers import few

NATURE = Nature(diverges=lambda trial: 4 if trial.params.get("learning_rate", 0) > 0.5 else None)
PRUNED = {"space": MIXED, "trials": 12, "generation": 4, "factor": 2, "searches": 2, "pick": (3, 2), "seeds": 2}
MORE = {
    "trials": (PRUNED, {"trials": 20}),
    "trials, the last generation was not full": (PRUNED | {"trials": 10}, {"trials": 17}),
    "trials, and so larger generations": (PRUNED, {"trials": 20, "generation": 5}),
    "trials of few": (PRUNED | {"trials": 2}, {"trials": 12}),
    "trials drawn at random": (PRUNED | {"sampler": "random"}, {"trials": 20}),
    "trials by quasi-random numbers": (PRUNED | {"sampler": "qmc", "pruner": "none"}, {"trials": 18}),
    "trials of a grid": (PRUNED | {"sampler": "grid", "space": COUNTED}, {"trials": 15}),
    "searches": (PRUNED, {"searches": 4}),
    "searches until it is decided": (PRUNED | {"searches": (2, 4)}, {"searches": (4, 8)}),
    "confirm seeds": (PRUNED, {"seeds": 5}),
    "arms": (PRUNED, {"arms": ("constant", "falling", "rising")}),
    "arms of one that goes on until it is decided": (
        PRUNED | {"searches": (2, 6)},
        {"arms": ("constant", "rising", "falling")},
    ),
    "all of it": (PRUNED, {"trials": 13, "searches": 3, "seeds": 3, "arms": ("constant", "rising", "falling")}),
}


def counting(trained):
    """A lane whose workers share a list of what they trained."""

    def worker():
        made = FakeWorker(NATURE)
        made.trained = trained
        return made

    return InProcessLanes(worker)


def two(name):
    """A study, and one that extends it, of another fingerprint."""
    old, more = MORE[name]
    return study(**old), replace(study(**{**old, **more}), fingerprint="e" * 64)


def extending(spec, storage, *marks):
    """The store of a study that extends those of these specs."""
    store = MemoryStore(spec, storage)
    store.note(Note.EXTENDS, [one.fingerprint[:12] for one in marks])
    return store


@pytest.mark.parametrize("name", few(MORE, 5))
def test_it_ends_as_if_it_was_written_so_from_the_start_and_trains_no_trial_twice(name):
    spec, more = two(name)
    first = train(spec, lanes=counting([]))
    before = exported(spec, first)
    alone, together = [], []
    whole = train(more, lanes=counting(alone))
    store = train(more, extending(more, first.storage, spec), counting(together))
    assert exported(more, store) == exported(more, whole)
    assert exported(spec, MemoryStore(spec, first.storage)) == before
    assert set(written(more, store).values()) == {1}
    known = first.ended()
    again = {trial for trial, attempt, _ in together if trial in known and not attempt}
    fresh = whole.ended()
    for trial in again:  # only where another generation, or another choice, asks for other hyperparameters or for more
        assert (
            known[trial].spec.params != fresh[trial].spec.params
            or known[trial].result.outcome is Outcome.PRUNED
            or trial not in fresh
        )
    assert len(together) < len(alone)


@pytest.mark.parametrize("name", ["trials drawn at random", "searches", "confirm seeds", "arms"])
def test_what_is_there_is_not_trained_at_all(name):
    spec, more = two(name)
    first, together = train(spec, lanes=counting([])), []
    train(more, extending(more, first.storage, spec), counting(together))
    known = {trial for trial in first.ended() if trial.phase is Phase.TUNE}
    assert not known & {trial for trial, attempt, _ in together if not attempt}


@pytest.mark.parametrize("seed", few(range(4)))
def test_one_that_was_cut_off_extends_and_is_cut_off_again(seed):
    spec, more = two("all of it")
    chance, storage = random.Random(seed), None
    for cut in (spec, more, more):
        store = MemoryStore(spec, storage) if cut is spec else extending(more, storage, spec)
        storage = store.storage
        wire = Wire(chance.randint(10, 60), chance.choice((OSError("gone"), KeyboardInterrupt())), dead=True)
        with pytest.raises((OSError, KeyboardInterrupt, Interrupted)):
            train(cut, store, scattered(seed, 3, NATURE, deaths=3), wire=wire)
    store = train(more, extending(more, storage, spec), scattered(seed, 3, NATURE))
    assert exported(more, store) == exported(more, train(more, lanes=scattered(1, 5, NATURE)))
    assert set(written(more, store).values()) == {1}


def test_one_that_extends_two_takes_the_trials_of_both():
    spec, more = two("arms")
    other = replace(study(**PRUNED | {"arms": ("constant", "falling")}), fingerprint="f" * 64)
    first, trained = train(spec, lanes=counting([])), []
    train(other, MemoryStore(other, first.storage), counting([]))
    store = train(more, extending(more, first.storage, spec, other), counting(trained))
    assert not {(trial, attempt) for trial, attempt, _ in trained if not attempt}
    assert exported(more, store) == exported(more, train(more, lanes=counting([])))


def test_trials_keep_the_lane_and_the_times_of_their_training():
    spec, more = two("searches")
    first = train(spec, lanes=counting([]), clock=itertools.count(100).__next__)
    store = train(more, extending(more, first.storage, spec), counting([]), clock=itertools.count(9000).__next__)
    found, known = store.ended(), first.ended()
    assert {trial: found[trial].result for trial in known} == {trial: one.result for trial, one in known.items()}
    assert Notes.read(store.notes()).throughput.trials == len(found) - len(known)


def test_it_notes_what_its_trials_were_made_with(tmp_path):
    spec, more = study(), replace(study(searches=2), fingerprint="e" * 64)
    first, store = sqlite_store(tmp_path, spec), sqlite_store(tmp_path, more)
    note_versions(first, {"code": "old"})
    note_extended(store, [spec.fingerprint[:12]])
    note_versions(store, {"code": "new"})
    notes = Notes.read(store.notes())
    assert notes.extends == (spec.fingerprint[:12],)
    assert notes.versions == ({"code": "old"}, {"code": "new"})
