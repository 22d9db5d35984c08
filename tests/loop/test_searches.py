"""The searches of an arm: begun side by side as there is room, each with a budget, a pick and a choice of its own."""

from collections import Counter

import pytest

from slalom.lanes.simulated import SimulatedLanes
from slalom.lanes.simulated_worker import SimulatedTraining, SimulatedWorker
from slalom.loop.campaign import Campaign
from slalom.records import InMemoryRecorder
from slalom.search.choice import choose, contenders
from slalom.search.in_memory import InMemoryStore
from slalom.search.on_optuna import Proposals
from slalom.verdict.summary import Throughput
from slalom.wire.trial import Effort, Outcome, Phase, Reply, TrialId
from tests.loop.worlds import (
    Nature,
    Wire,
    budget,
    elastic,
    expected,
    exported,
    one_lane,
    scattered,
    study,
    ticking,
    train,
    written,
)

SPEC = study(trials=12, generation=4, factor=2, searches=3, pick=(3, 2), seeds=2)
FAST = Nature(diverges=lambda trial: 2 if trial.params["learning_rate"] > 0.1 else None)


def campaign(spec, ended=()):
    return Campaign(spec, dict(ended), Proposals, Throughput(), float)


@pytest.fixture(scope="module")
def ended():
    return train(SPEC).ended()


def test_every_search_has_its_whole_budget(ended):
    assert dict.fromkeys(ended, 1) == budget(SPEC)
    assert Counter((trial.search, trial.phase) for trial in ended) == {
        (search, phase): 2 * size
        for search in range(3)
        for phase, size in ((Phase.TUNE, 12), (Phase.PICK, 6), (Phase.CONFIRM, 2))
    }


def test_every_search_draws_anew_and_alike_in_all_arms(ended):
    for phase in Phase:
        drawn = {}
        for trial, one in ended.items():
            if trial.phase is phase:
                drawn.setdefault((trial.search, trial.number), set()).add(one.spec.seeds)
        assert all(len(seeds) == 1 for seeds in drawn.values())
        times = 3 if phase is Phase.PICK else 1  # the picked trials of a search share its few seeds
        assert set(Counter(seeds for (one,) in map(tuple, drawn.values()) for seeds in [one]).values()) == {times}
    assert len({one.spec.seeds for trial, one in ended.items() if trial.arm == "rising"}) == 3 * (12 + 2 + 2)


def test_a_search_has_a_split_of_its_own_which_all_arms_share(ended):
    splits = {}
    for trial, one in ended.items():
        splits.setdefault(trial.search, set()).add(one.spec.split)
    assert [len(found) for found in splits.values()] == [1, 1, 1]
    assert len(set.union(*splits.values())) == 3
    fixed = train(study(searches=2, trials=2, seeds=1, resampled=False)).ended()
    assert {one.spec.split for one in fixed.values()} == {None}


def test_the_picked_are_the_best_completed_trials_of_the_search_each_from_the_same_seeds(ended):
    for arm in ("constant", "rising"):
        for search in range(3):
            tuned = [ended[TrialId(arm, Phase.TUNE, number, search)] for number in range(12)]
            complete = [one for one in tuned if one.result.outcome is Outcome.COMPLETE]
            ranked = sorted(complete, key=lambda one: one.result.metrics["validation.error"])
            picks = [ended[TrialId(arm, Phase.PICK, number, search)].spec for number in range(6)]
            assert [one.params for one in picks] == [one.spec.params for one in ranked[:3] for _ in range(2)]
            assert [one.seeds for one in picks] == 3 * [picks[0].seeds, picks[1].seeds]
            assert picks[0].seeds != picks[1].seeds
            assert {one.epochs for one in picks} == {SPEC.epochs}


def test_each_search_confirms_its_own_choice_the_best_mean_of_the_picked(ended):
    chosen = set()
    for arm in ("constant", "rising"):
        for search in range(3):
            picks = [ended[TrialId(arm, Phase.PICK, number, search)] for number in range(6)]
            values = [one.result.metrics["validation.error"] for one in picks]
            means = [sum(values[place : place + 2]) for place in (0, 2, 4)]
            best = picks[2 * means.index(min(means))].spec.params
            confirmed = [ended[TrialId(arm, Phase.CONFIRM, number, search)].spec.params for number in range(2)]
            assert confirmed == [best, best]
            chosen.add((arm, *best.items()))
    assert len(chosen) == 6


class Capricious(Nature):
    """When it is picked a trial has another value: the higher its number in the tuning was, the better."""

    def metrics(self, trial, epoch):
        found = super().metrics(trial, epoch)
        picked = {"validation.error": 0.5 - trial.id.number / 100}
        return found | picked if trial.id.phase is Phase.PICK else found


def test_the_pick_can_overrule_the_tuning():
    """The worst of the contenders is chosen where its mean over the fresh seeds is the best."""
    ended = train(SPEC, lanes=one_lane(Capricious())).ended()
    for search in range(3):
        found = contenders(SPEC, "rising", search, ended)
        assert len(found) == 3
        assert choose(SPEC, "rising", search, ended) is found[2]


def test_fewer_contenders_than_are_to_be_picked_are_all_of_them():
    """Successive halving completes two of twelve here, and diverging leaves some searches one or none."""
    spec = study(trials=12, generation=6, factor=3, searches=6, pick=(4, 2), seeds=2)
    nature = Nature(diverges=lambda trial: 9 if trial.params["learning_rate"] > 0.1 else None)
    for lanes in (one_lane(nature), scattered(1, 3, nature, deaths=3), elastic(2, 3, nature)):
        store = train(spec, lanes=lanes)
        ended = store.ended()
        assert written(spec, store) == expected(spec, ended)
        counts = Counter(trial.phase for trial in ended)
        assert 0 < counts[Phase.PICK] < 2 * 6 * 2 * 2


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_searches_begin_side_by_side_before_a_lane_waits(sampler):
    """Arms alike; TPE has one generation of each search, the others all that is to be tuned."""
    spec = study(trials=16, generation=8, searches=10, sampler=sampler)
    plans = campaign(spec)
    first = plans.due(0)
    assert Counter(order.trial.id[::3] for order in first) == {("constant", 0): 8, ("rising", 0): 8}
    assert plans.trainable == (160 if sampler == "tpe" else 320)
    more = plans.due(40)
    assert 40 <= len(more) <= 48
    assert Counter(order.trial.id.arm for order in more).keys() == {"constant", "rising"}
    rest = plans.due(10**6)
    orders = first + more + rest
    assert (
        len({order.trial.id for order in orders})
        == len(orders)
        == plans.trainable
        == (160 if sampler == "tpe" else 320)
    )
    assert {order.trial.id.search for order in orders} == set(range(10))
    assert plans.due(10**6) == []


def test_packs_stay_filled_until_the_last_search_has_begun():
    """TPE waits for a generation's end; other searches of the arm fill the slots meanwhile."""
    spec = study(("a", "b", "c"), epochs=9, trials=32, searches=8, pick=(4, 3), seeds=3)
    training = SimulatedTraining(Nature().metrics, lambda trial, epoch: 1.0)
    lanes = SimulatedLanes(lambda clock: SimulatedWorker(clock, training, 24), 2)
    heard, filled, collect = [Effort()], [], lanes.collect

    def counting(timeout):
        news = collect(timeout)
        heard[0] = sum((one.effort for _, one in news if isinstance(one, Reply)), heard[0])
        return news

    def propose(spec, arm, search):
        filled.append(heard[0].trained / max(1, heard[0].available))
        return Proposals(spec, arm, search)

    lanes.collect = counting
    store = train(spec, InMemoryStore(), lanes, propose=propose, clock=lanes.clock)
    assert store.ended().keys() == expected(spec, store.ended()).keys()
    assert len(filled) == 3 * 8
    assert filled[-1] > 0.85


@pytest.mark.parametrize("nature", [Nature(), FAST, Nature(diverges=lambda trial: 1)], ids=["all", "some", "none"])
@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_progress_adds_up_to_the_whole(nature, sampler):
    """What a search cannot pick among, or has no choice to confirm of, is no part of the budget in the end."""
    spec = study(trials=12, generation=4, searches=4, pick=(4, 2), seeds=3, sampler=sampler)
    store, seen = InMemoryStore(), []
    with pytest.raises(OSError, match="gone"):
        train(spec, store, scattered(1, 2, nature), wire=Wire(60, dead=True), watch=seen.append)
    cut = len(seen)
    train(spec, store, scattered(2, 2, nature), watch=seen.append)
    done = [[arm.done for arm in progress.arms] for progress in seen]
    assert all(list(arm) == sorted(arm) for arm in zip(*done, strict=True))
    assert all(arm.done <= arm.budget for progress in seen for arm in progress.arms)
    assert 0 < cut < len(seen)
    assert [arm.done for arm in seen[-1].arms] == [arm.budget for arm in seen[-1].arms]
    assert sum(arm.done for arm in seen[-1].arms) == len(store.ended())
    assert seen[-1].seconds_left == 0


def test_what_is_trainable_in_a_resumed_study_is_what_is_left(ended):
    """Searches that an earlier run has ended ask for no lanes."""
    missing = [TrialId("rising", Phase.CONFIRM, number, 1) for number in range(2)]
    plans = campaign(SPEC, {trial: one for trial, one in ended.items() if trial not in missing})
    assert plans.trainable == 2 + 1  # the other arm trains its best net once more
    assert {order.trial.id for order in plans.due(100) if order.trial.id.arm == "rising"} == set(missing)


def test_a_resumed_study_asks_for_lanes_as_one_that_was_not_stopped():
    lanes = elastic(3)
    train(SPEC, lanes=lanes)
    assert max(lanes.demanded) <= 2 * 3 * 12
    assert min(lanes.demanded) == 0 or lanes.demanded[-1] <= 2


def test_searches_that_had_begun_go_on_at_once_and_no_others(ended):
    """So that a resumed study trains what was under way, whatever room there is."""
    known = {
        trial: one
        for trial, one in ended.items()
        if trial.phase is Phase.TUNE and trial.number < 4 and trial.search < 2
    }
    orders = campaign(SPEC, known).due(0)
    assert {order.trial.id for order in orders} == {
        TrialId(arm, Phase.TUNE, number, search)
        for arm in ("constant", "rising")
        for search in (0, 1)
        for number in range(4, 8)
    }


@pytest.mark.thorough
def test_hundreds_of_searches_that_are_over_are_passed_by():
    """However many there are, going on with a study nests no deeper."""
    spec = study(trials=1, generation=1, pruner="none", epochs=1, seeds=1, searches=400, pick=(2, 1))
    store = train(spec, InMemoryStore(), one_lane(slots=64))
    assert dict.fromkeys(store.ended(), 1) == expected(spec, store.ended())
    before = store.ended()
    train(spec, store, one_lane(slots=64))
    assert store.ended() == before


def test_the_net_that_is_kept_is_the_best_of_all_searches():
    for lanes in (one_lane(), scattered(1, 4, deaths=3)):
        recorder = InMemoryRecorder()
        ended = train(SPEC, lanes=lanes, recorder=recorder).ended()
        for arm in recorder.records.summary.arms:
            confirmed = [t for t in ended if t.arm == arm.name and t.phase is Phase.CONFIRM]
            best = min(confirmed, key=lambda trial: ended[trial].result.metrics["validation.error"])
            assert arm.kept == (best.search, best.number)
            assert best in recorder.records.models


def test_what_the_arms_share_is_the_same_however_many_searches_there_are():
    """A study of three searches begins as one of two does."""
    fewer, more = (study(trials=8, searches=searches, pick=(2, 2), seeds=2) for searches in (2, 3))
    rows = exported(more, train(more))
    assert exported(fewer, train(fewer)) == [row for row in rows if row["search"] < 2]


def test_the_clock_of_a_study_is_its_callers():
    store = train(SPEC, clock=ticking(5.0))
    assert min(one.result.started for one in store.ended().values()) > 5.0
