"""Invariant 3: an arm gets exactly its trials: no lost one, no double one, none extra, whatever dies."""

import random

import pytest

from slalom.errors import Interrupted
from tests.loop.worlds import (
    SEEDS,
    MemoryStore,
    Nature,
    Wire,
    budget,
    expected,
    rows_in_database,
    scattered,
    sqlite_store,
    sqlite_url,
    study,
    train,
    written,
)
from tests.support.tiers import few

CRASHES = (OSError, KeyboardInterrupt, Interrupted)
ERRORS = (OSError("the machine is gone"), KeyboardInterrupt())


def some(chance, share, epochs):
    """An epoch for about that share of the trials, the same in every attempt."""
    salt = chance.random()

    def pick(trial):
        luck = random.Random(f"{salt} {trial.seeds.weights} {sorted(trial.params.items())}")
        return luck.randint(1, epochs) if luck.random() < share else None

    return pick


@pytest.mark.parametrize("seed", few(range(24), 6))
def test_an_arm_gets_exactly_its_trials_whatever_dies(seed):
    chance = random.Random(seed)
    spec = study(
        arms=("constant", "rising", "tuned")[: chance.randint(2, 3)],
        seed=seed,
        trials=chance.choice((8, 13, 24)),
        searches=chance.choice((1, 2, 3)),
        pick=chance.choice(((1, 1), (2, 1), (4, 3))),
        generation=chance.choice((4, 8, 11)),
        sampler=chance.choice(("tpe", "random")),
        pruner=chance.choice(("successive_halving", "none")),
        factor=chance.choice((2, 3)),
    )
    nature = Nature(diverges=some(chance, 0.1, spec.epochs), raises=some(chance, chance.choice((0, 0.1)), spec.epochs))
    store = MemoryStore(spec)
    for crashes_left in (3, 2, 1, 0):
        lanes = scattered(
            chance.random(), chance.randint(1, 8), nature, stride=chance.choice((1, 3, 9)),
            deaths=chance.randint(0, 40), spare=False, echoes=True,
        )  # fmt: skip
        wire = Wire(chance.randint(1, 200), chance.choice(ERRORS), chance.random() < 0.5, chance.random() < 0.3)
        try:
            train(spec, store, lanes, wire=wire if crashes_left else None)
            break
        except CRASHES:
            store = MemoryStore(spec, store.storage)
    assert written(spec, store) == expected(spec, store.ended())


@pytest.mark.parametrize("after", few([False, True]), ids=["before", "after"])
@pytest.mark.parametrize("error", ERRORS, ids=["crash", "Ctrl-C"])
def test_the_storage_holds_a_row_for_each_trial(tmp_path, error, after):
    """Also where the loop stops while, or just after, a trial is written."""
    spec = study(trials=8, searches=2, pick=(3, 2), pruner="none")
    first = sqlite_store(tmp_path, spec)
    with pytest.raises(CRASHES):
        train(spec, _Adding(first, Wire(9, error, after)), scattered(1, deaths=3))
    train(spec, sqlite_store(tmp_path, spec), scattered(2, deaths=3))
    assert rows_in_database(sqlite_url(tmp_path)) == {
        (arm, search, phase): size
        for arm in ("constant", "rising")
        for search in (0, 1)
        for phase, size in (("tune", 8), ("pick", 6), ("confirm", SEEDS))
    }


class _Adding:
    """A store in which only what writes trials goes through the wire."""

    def __init__(self, store, wire):
        self._store, self._wire = store, wire

    def __getattr__(self, name):
        return getattr(self._store, name)

    def add(self, ended):
        (self._wire.through(self._store) if ended else self._store).add(ended)


@pytest.mark.parametrize("seed", few(range(10), 3))
def test_nothing_is_ordered_twice(seed):
    """A lane's death brings no second order of the same attempt, and no order of an attempt that is lost."""
    spec = study(seed=seed, searches=2, pick=(3, 2))
    lanes = scattered(seed, deaths=30, echoes=True)
    train(spec, lanes=lanes)
    assert lanes.died > 5
    sent = [(order.trial.id, order.trial.attempt, order.until) for order in lanes.orders]
    assert len(sent) == len(set(sent))
    for trial in budget(spec):
        steps = [step[1:] for step in sent if step[0] == trial]
        assert steps == sorted(steps)


def test_without_a_death_no_epoch_is_trained_twice():
    lanes = scattered(1)
    train(study(), lanes=lanes)
    assert len(lanes.trained) == len(set(lanes.trained))
