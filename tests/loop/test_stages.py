"""Searches that are added in stages until the study is decided: which arms go on, and that nothing ever waits."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from slalom.errors import Interrupted
from slalom.loop.campaign import Campaign
from slalom.records import InMemoryRecorder
from slalom.search.in_memory import InMemoryStore
from slalom.search.on_optuna import Proposals
from slalom.verdict.summary import Throughput
from slalom.wire.seeds import derive
from tests.loop.worlds import Nature, Wire, elastic, expected, exported, one_lane, scattered, study, train
from tests.support.tiers import few

STAGED = {
    "searches": (10, 40), "trials": 2, "generation": 2, "pruner": "none", "pick": (1, 1), "epochs": 1, "seeds": 1,
}  # fmt: skip
ARMS = ("base", "other", "third")


class World(Nature):
    """An arm's test error is its place, and a noise of the training that differs from arm to arm."""

    def __init__(self, places, noise=0.05, **options):
        super().__init__(**options)
        object.__setattr__(self, "places", dict(zip(ARMS, places, strict=False)))
        object.__setattr__(self, "noise", noise)

    def metrics(self, trial, epoch):
        luck = derive(trial.seeds.weights, trial.id.arm, trial.split or 0) / 2**63
        error = self.places[trial.id.arm] + self.noise * luck
        return {"validation.error": error, "test.error": error}


def staged(places, **options):
    return study(ARMS[: len(places)], **{**STAGED, **options})


def searches(store):
    """How many searches each arm had."""
    found = {}
    for trial in store.ended():
        found[trial.arm] = max(found.get(trial.arm, 0), trial.search + 1)
    return found


def ran(spec, nature, lanes=None, store=None, wire=None):
    """A store, and what was recorded in the end."""
    recorder = InMemoryRecorder()
    store = store or InMemoryStore()
    train(spec, store, lanes or one_lane(nature, slots=64), recorder, wire)
    return store, recorder.records


@pytest.mark.parametrize(
    ("places", "needed"),
    [
        ((0.1, 0.5), {"base": 10, "other": 10}),
        ((0.2, 0.2), {"base": 40, "other": 40}),
        ((0.1, 0.2, 0.5), {"base": 10, "other": 10, "third": 10}),
        ((0.2, 0.2, 0.5), {"base": 40, "other": 40, "third": 10}),
        ((0.5, 0.2, 0.2), {"base": 10, "other": 40, "third": 40}),
    ],
    ids=["decided", "undecided", "all decided", "one arm is dropped", "the baseline is dropped"],
)
def test_searches_are_added_until_the_study_is_decided(places, needed):
    """10, 20, 40; an arm that is worse than another stops where that is found, and the others go on without it."""
    spec = staged(places)
    store, records = ran(spec, World(places))
    assert searches(store) == needed
    assert dict.fromkeys(store.ended(), 1) == expected(spec, store.ended(), needed)
    assert records.summary.verdict.searches == max(needed.values())
    assert {arm.name: arm.confirm.searches for arm in records.summary.arms} == needed
    assert {arm.name: arm.budget for arm in records.summary.arms} == {arm: 2 * count for arm, count in needed.items()}
    assert set(records.models) == {
        next(trial for trial in store.ended() if trial == (arm.name, "confirm", arm.kept[1], arm.kept[0]))
        for arm in records.summary.arms
    }


def test_some_studies_stop_in_the_middle():
    """At 20 searches, where 10 are not enough."""
    found = Counter()
    for seed in range(6):
        places = (0.2, 0.225)
        found[searches(ran(staged(places, seed=seed), World(places))[0])["other"]] += 1
    assert found[20]
    assert found.keys() <= {10, 20, 40}


def test_an_arm_that_never_completes_a_trial_stops_after_its_first_searches():
    places = (0.2, 0.2, 0.2)
    nature = World(places, diverges=lambda trial: 1 if trial.id.arm == "third" else None)
    store, records = ran(staged(places), nature)
    assert searches(store) == {"base": 40, "other": 40, "third": 10}
    assert records.summary.arms[2].confirm is None


def test_a_study_in_which_nothing_completes_ends():
    store, records = ran(staged((0.2, 0.2)), World((0.2, 0.2), diverges=lambda trial: 1))
    assert searches(store) == {"base": 10, "other": 10}
    assert records.summary.verdict.winner is None


def test_arms_that_are_the_same_number_by_number_need_no_further_search():
    store, _ = ran(staged((0.2, 0.2)), Nature())
    assert searches(store) == {"base": 10, "other": 10}


def test_stages_that_are_over_are_looked_at_one_by_one_when_a_study_goes_on():
    """What later searches found has no say in which arms go on to them: the whole study is passed by at once."""
    places = (0.5, 0.2, 0.2)
    spec = staged(places)
    store, records = ran(spec, World(places))
    campaign = Campaign(spec, store.ended(), Proposals, Throughput(), float)
    orders = campaign.due(1000)
    assert {order.trial.id for order in orders} == set(records.models)
    assert all(order.keep_weights for order in orders)
    assert {arm.name: (arm.done, arm.budget) for arm in campaign.progress(1).arms} == {
        "base": (30, 30),
        "other": (120, 120),
        "third": (120, 120),
    }


OUTCOMES = [(0.2, 0.2), (0.2, 0.22), (0.2, 0.24), (0.2, 0.22, 0.24), (0.2, 0.2, 0.22), (0.25, 0.2, 0.2)]


@pytest.mark.parametrize("seed", few(range(10), 2))
def test_killed_and_resumed_anywhere_it_takes_the_same_way(seed):
    """Whatever comes out, on lanes that die, come and go, with trials that diverge; and it always ends."""
    chance = random.Random(seed)
    places = chance.choice(OUTCOMES)
    spec = staged(
        places, seed=seed, searches=chance.choice(((6, 24), (7, 20), (9, 18))), pick=chance.choice(((1, 1), (2, 2))),
        sampler=chance.choice(("tpe", "random")), margin=chance.choice((None, 0.01)),
    )  # fmt: skip
    share = chance.choice((0.0, 0.1, 0.4))
    salt = chance.random()
    nature = World(
        places,
        noise=chance.choice((0.02, 0.05, 0.1)),
        diverges=lambda trial: 1 if random.Random(f"{salt} {trial.id}").random() < share else None,
    )
    whole, records = ran(spec, nature)
    assert dict.fromkeys(whole.ended(), 1) == expected(spec, whole.ended(), searches(whole))
    store = InMemoryStore()
    for crashes_left in (3, 2, 1, 0):
        crew = chance.choice((elastic, scattered))(chance.random(), chance.randint(2, 5), nature, deaths=5, slots=16)
        wire = Wire(chance.randint(1, 300), dead=True) if crashes_left else None
        try:
            found = ran(spec, nature, crew, store, wire)[1]
            break
        except (OSError, Interrupted):
            pass
    assert exported(spec, store) == exported(spec, whole)
    assert found.models == records.models
    assert found.summary.verdict == records.summary.verdict
    assert [replace(arm, reproduced=None) for arm in found.summary.arms] == list(records.summary.arms)


def test_progress_grows_with_the_stages_and_adds_up():
    seen, spec = [], staged((0.2, 0.2, 0.5))
    train(spec, InMemoryStore(), one_lane(World((0.2, 0.2, 0.5)), slots=16), watch=seen.append)
    budgets = [[arm.budget for arm in progress.arms] for progress in seen]
    assert budgets[0] == [30, 30, 30]
    assert [60, 60, 30] in budgets
    assert budgets[-1] == [arm.done for arm in seen[-1].arms] == [120, 120, 30]


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_arms_that_go_on_wait_for_nothing_but_the_look(sampler):
    """All searches of the next stage may begin at once when the last one of the stage before is over."""
    places = (0.2, 0.2)
    spec = staged(places, sampler=sampler)
    store, _ = ran(spec, World(places))
    first = {trial: one for trial, one in store.ended().items() if trial.search < 10}
    campaign = Campaign(spec, first, Proposals, Throughput(), float)
    assert len(campaign.due(10**6)) == campaign.trainable == 2 * 10 * 2
