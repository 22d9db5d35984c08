"""How fast a study went, over all its runs."""

import random

import pytest

from slalom.errors import Interrupted
from slalom.loop.notes import Notes
from slalom.loop.run import run
from slalom.search.on_optuna import Proposals
from slalom.wire.trial import Effort
from tests.loop.worlds import MemoryStore, Nature, Wire, one_lane, scattered, study, ticking, train

SPEC = study()


class Watch:
    """A clock that keeps when it was first and last looked at."""

    def __init__(self, start=0.0):
        self._tick = ticking(start)
        self.looks = []

    def __call__(self):
        self.looks.append(self._tick())
        return self.looks[-1]


@pytest.mark.parametrize("seed", range(5))
def test_it_adds_up_over_runs(seed):
    chance, store, lanes = random.Random(seed), MemoryStore(SPEC), []
    seconds = 0.0
    for start in (0.0, 1e5, 2e6):
        clock = Watch(start)
        lanes.append(scattered(chance.random(), 3, deaths=2))
        wire = Wire(chance.randint(20, 90), KeyboardInterrupt()) if start < 2e6 else None
        try:
            train(SPEC, store, lanes[-1], wire=wire, clock=clock)
        except Interrupted:
            assert wire
        reached = Notes.read(store.notes()).throughput
        assert reached.trials == len(store.ended())
        assert seconds < reached.seconds <= seconds + clock.looks[-1] - clock.looks[0]
        seconds = reached.seconds
        assert reached.effort == sum((crew.heard for crew in lanes), Effort())
        assert 0 < reached.slot_utilisation <= 1
        assert reached.trials_per_second == reached.trials / seconds
    assert reached.trials == len(SPEC.arms) * (SPEC.tune.trials + SPEC.confirm_seeds)


def test_the_effort_is_what_the_lanes_say():
    lanes = scattered(1, 1)
    reached = Notes.read(train(SPEC, lanes=lanes).notes()).throughput
    assert reached.effort.trained == len(lanes.trained)
    assert reached.effort.trained < reached.effort.available


@pytest.mark.parametrize("seed", range(6))
def test_a_slot_is_never_used_more_than_it_is_there(seed):
    lanes = scattered(
        seed, 1 + seed, Nature(diverges=lambda trial: trial.id.number), slots=1 + seed, deaths=6, echoes=True
    )
    reached = Notes.read(train(SPEC, lanes=lanes).notes()).throughput
    assert 0 < reached.slot_utilisation <= 1


def test_nothing_noted_is_nothing_reached():
    reached = Notes.read({}).throughput
    assert (reached.trials, reached.seconds, reached.effort) == (0, 0.0, Effort())
    assert reached.trials_per_second is reached.slot_utilisation is None


def test_progress_reaches_the_whole_budget():
    seen = []
    run(SPEC, MemoryStore(SPEC), one_lane(), _Nobody(), Proposals, watch=seen.append, clock=ticking())
    done = [sum(arm.done for arm in progress.arms) for progress in seen]
    assert done == sorted(done)
    assert all(arm.done == arm.budget == SPEC.tune.trials + SPEC.confirm_seeds for arm in seen[-1].arms)
    assert seen[0].seconds_left is None
    assert seen[-1].seconds_left == 0
    assert seen[-1].trials == done[-1]


class _Nobody:
    """A recorder that listens to nothing."""

    def trials(self, ended):
        pass

    model = summary = lambda self, *_: None
