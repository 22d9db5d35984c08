"""What a trial costs the loop does not grow with the trials there are, nor a turn with the lanes."""

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

import slalom
from slalom.lanes.simulated import SimulatedLanes
from slalom.lanes.simulated_worker import SimulatedTraining, SimulatedWorker
from slalom.loop.campaign import Campaign
from slalom.loop.placement import IN_FLIGHT, Placement
from slalom.loop.plan import ArmPlan
from slalom.search.on_optuna import Proposals
from slalom.study.trials import trial_spec
from slalom.verdict.summary import Throughput
from slalom.wire.trial import Order, Outcome, Phase, Reply, TrialId, TrialResult, Turn
from tests.benchmarks.virtual import EPOCHS, Devices, Fleet, Work
from tests.loop.worlds import FakeWorker, MemoryStore, Nature, budget, exported, one_lane, study, train, written

PACKAGE = str(Path(slalom.__file__).parent)


def steps(work):
    """Lines of Slalom's own code that the work runs, each turn of a loop or a comprehension counted."""
    counted = [0]

    def line(frame, event, argument):
        counted[0] += event == "line"
        return line

    def call(frame, event, argument):
        return line if frame.f_code.co_filename.startswith(PACKAGE) else None

    sys.settrace(call)
    try:
        work()
    finally:
        sys.settrace(None)
    return counted[0]


class NothingKept(MemoryStore):
    """So that the storage takes no part."""

    def add(self, ended):
        pass


def cost(trials, **options):
    """Steps for each tuning trial of a study; 2 arms, 20 lanes."""
    spec = study(trials=trials, **options)
    training = SimulatedTraining(Nature().metrics, lambda trial, epoch: 0.5 + trial.seeds.weights / 2**63)
    lanes = SimulatedLanes(lambda clock: SimulatedWorker(clock, training, 4), 20)
    return steps(lambda: train(spec, NothingKept(spec), lanes)) / (2 * trials * spec.tune.searches.at_most)


@pytest.mark.thorough
def test_two_thousand_trials_cost_ten_times_two_hundred():
    options = {"sampler": "random", "generation": 20}
    assert cost(1000, **options) < 1.05 * cost(100, **options)


@pytest.mark.thorough
@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_forty_searches_cost_ten_times_four(sampler):
    options = {"sampler": sampler, "generation": 10, "pick": (3, 2), "factor": 2}
    assert cost(20, searches=40, **options) < 1.1 * cost(20, searches=4, **options)


def test_a_trial_is_written_whole_and_kept_without_its_history():
    spec, kept, written = study(), {}, []
    arm, worker = ArmPlan(spec, spec.arms[0], Proposals, kept), FakeWorker(Nature())
    while not arm.done:
        reply = worker.turn(Turn(tuple(arm.due())))
        for report in reply.reports:
            arm.hear(report)
        for result in reply.results:
            arm.end(result)
        written += arm.over()
    assert {ended.spec.id for ended in written} == kept.keys()
    assert all(ended.result.history for ended in written)
    assert not any(ended.result.history for ended in kept.values())


@pytest.mark.parametrize(("sampler", "more"), [("tpe", 0), ("random", 3), ("qmc", 3)])
def test_generations_lie_side_by_side_where_no_result_is_looked_at(sampler, more):
    """So that lanes have something to train while a generation waits at a rung: as many as there is room for."""
    spec = study(trials=30, generation=7, sampler=sampler)
    arm = ArmPlan(spec, spec.arms[0], Proposals, {})
    assert [order.trial.id.number for order in arm.due()] == list(range(7))
    assert arm.trainable == (30 if more else 7)
    assert [arm.ahead() for _ in range(3)] == 3 * [more > 0]
    assert [order.trial.id.number for order in arm.due()] == list(range(7, 28 if more else 7))
    assert arm.trainable == (30 if more else 7)
    assert [arm.ahead() for _ in range(2)] == [more > 0, False]


def test_arms_fill_the_room_alike():
    spec = study([f"arm-{number}" for number in range(3)], trials=1000, generation=7, sampler="random")
    campaign = Campaign(spec, {}, Proposals, Throughput(), float)
    assert len(campaign.due(0)) == 3 * 7
    assert Counter(order.trial.id.arm for order in campaign.due(100)) == {arm.name: 35 for arm in spec.arms}
    assert campaign.due(0) == []
    assert campaign.trainable == 3000


@pytest.mark.parametrize("waiting", [0, 5000])
def test_a_reply_costs_the_same_with_ten_lanes_and_a_thousand(waiting):
    """Whatever waits: one lane's trial ends, and the next is sent there."""
    spec = study()

    def order(number):
        return Order(trial_spec(spec, TrialId("rising", Phase.TUNE, number), {"learning_rate": 0.1}), 9)

    def reply(lanes):
        placement = Placement(4)
        for lane in range(lanes):
            placement.opened(lane)
        placement.take(order(number) for number in range(5 * lanes + waiting))
        sent = [dict(placement.turns()).keys() for _ in range(IN_FLIGHT + 1)]
        first = [order(number).trial for number in range(5 * lanes)]
        replies = [Reply(results=(TrialResult(trial.id, 0, Outcome.COMPLETE, 9, {}),)) for trial in first[::lanes][:4]]
        assert sent == IN_FLIGHT * [set(range(lanes))] + [set()]

        def work():
            for one in replies:
                placement.replied(0, one)
                list(placement.turns())

        return steps(work)

    assert reply(1000) < 1.5 * reply(10)


def test_a_lost_lane_costs_the_same_whatever_waits():
    spec = study()

    def loss(waiting):
        placement = Placement(4)
        placement.opened(0)
        trial = trial_spec(spec, TrialId("rising", Phase.TUNE, 0), {"learning_rate": 0.1})
        many = (replace(trial, id=TrialId("rising", Phase.TUNE, number)) for number in range(5 + waiting))
        placement.take(Order(one, 9) for one in many)
        list(placement.turns())
        return steps(lambda: (placement.lost(0), placement.opened(0), list(placement.turns())))

    assert loss(5000) < 1.2 * loss(50)


@pytest.fixture(scope="module")
def fleet():
    """5,000 trials on 200 devices of 16 slots, which live for 40 of their slowest epochs and are away for 5.

    busy: the share of the devices' time that went to epochs when a generation began
    """
    arms = [f"arm-{number}" for number in range(5)]
    spec = study(arms, epochs=EPOCHS, trials=1000, generation=94, sampler="random", seed=1)
    lanes, busy = Devices(Fleet(200, 5000, epoch=20.0, life=800.0, away=100.0), Work()), []

    def propose(spec, arm, search):
        ask = Proposals(spec, arm, search)

        def asked(new, numbers):
            busy.extend([lanes.worked() / lanes.present()] if lanes.clock() else [])
            return ask(new, numbers)

        return asked

    return spec, lanes, train(spec, lanes=lanes, propose=propose, clock=lanes.clock), busy


@pytest.mark.thorough
def test_devices_that_come_and_go_find_what_one_lane_finds(fleet):
    """Each trial once, with the same numbers, though hundreds of attempts were lost."""
    spec, lanes, store, _ = fleet
    assert len(lanes.died) > 300
    assert sum(ended.spec.attempt for ended in store.ended().values()) > 250
    assert written(spec, store) == budget(spec)
    assert exported(spec, store) == exported(spec, train(spec, lanes=one_lane(slots=64, stride=EPOCHS)))


@pytest.mark.thorough
def test_devices_that_come_and_go_are_kept_at_work(fleet):
    """All of them as long as trials are to begin; then there is less to train, in a time that losses make longer."""
    _, lanes, store, busy = fleet
    needed = sum(ended.result.epochs for ended in store.ended().values())
    assert len(busy) > 5
    assert min(busy) > 0.95
    assert needed / lanes.work.epochs > 0.85
    assert lanes.worked() / lanes.present() > 0.2
