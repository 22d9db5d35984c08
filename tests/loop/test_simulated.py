"""Simulated lanes find what other lanes find, and keep the time that they say they do."""

import math

import pytest

from slalom.errors import LaneLost
from slalom.lanes.base import LaneOpened
from slalom.lanes.simulated import SimulatedLanes
from slalom.lanes.simulated_worker import SimulatedTraining, SimulatedWorker
from slalom.loop.notes import Notes
from slalom.study.trials import trial_spec
from slalom.wire.trial import Effort, Order, Outcome, Phase, TrialId, Turn
from tests.loop.worlds import Nature, exported, one_lane, study, train

SPEC = study(trials=24)
UNEVEN = study(trials=24, report_every=2)


class Diverging(Nature):
    """Every fifth trial leaves the finite numbers in epoch 4."""

    def metrics(self, trial, epoch):
        found = super().metrics(trial, epoch)
        return found | ({"train.loss": math.inf} if epoch == 4 and trial.id.number % 5 == 0 else {})


def simulated(lanes=1, width=4, nature=Nature(), deaths=(), seconds=lambda trial, epoch: 1.0, absence=0.0):
    training = SimulatedTraining(nature.metrics, seconds)
    return SimulatedLanes(lambda clock: SimulatedWorker(clock, training, width), lanes, deaths, absence)


def opened(*arguments, **options):
    """Such lanes, which have told that they are there."""
    lanes = simulated(*arguments, **options)
    assert {type(news) for _, news in lanes.collect(1.0)} == {LaneOpened}
    return lanes


def order(number, until=9, epochs=9):
    spec = study(epochs=epochs)
    return Order(trial_spec(spec, TrialId("rising", Phase.TUNE, number), {"learning_rate": 0.1}), until)


def uneven(trial, epoch):
    """Seconds from 0.5 to 1.5."""
    return 0.5 + trial.seeds.weights / 2**63


@pytest.mark.parametrize("spec", [SPEC, UNEVEN], ids=["every epoch", "every second epoch"])
@pytest.mark.parametrize("lanes", [1, 7])
def test_a_study_comes_out_as_in_other_lanes(spec, lanes):
    crew = simulated(lanes, seconds=uneven)
    assert exported(spec, train(spec, lanes=crew, clock=crew.clock)) == exported(spec, train(spec, lanes=one_lane()))


def test_lanes_that_die_change_nothing():
    crew = simulated(3, deaths=[(4.0 * at, at % 3) for at in range(1, 20)], seconds=uneven)
    lost = []
    collect = crew.collect
    crew.collect = lambda timeout: [lost.append(a) or a for a in collect(timeout)]
    assert exported(SPEC, train(SPEC, lanes=crew)) == exported(SPEC, train(SPEC))
    assert sum(isinstance(answer, LaneLost) for _, answer in lost) > 5


def test_what_diverges_is_told_at_the_next_report():
    store = train(SPEC, lanes=simulated(2, nature=Diverging()))
    diverged = {t: e.result for t, e in store.ended().items() if e.result.outcome is Outcome.DIVERGED}
    assert diverged
    assert all((trial.number % 5, result.epochs, result.metrics) == (0, 4, {}) for trial, result in diverged.items())


def test_epochs_take_their_time_and_freed_slots_are_filled():
    """Five trials of 3 epochs in 2 slots: 3 rounds of 3 s each; in the last one slot is free."""
    lanes = opened(width=2)
    lanes.send(0, Turn(tuple(order(number, until=3, epochs=3) for number in range(5))))
    found = []
    for _ in range(9):
        ((_, reply),) = lanes.collect(1.0)
        found.append((lanes.clock(), [report.trial.number for report in reply.reports], reply.effort))
        lanes.send(0, Turn())
    assert [at for at, _, _ in found] == [float(at) for at in range(1, 10)]
    assert [numbers for _, numbers, _ in found] == 3 * [[0, 1]] + 3 * [[2, 3]] + 3 * [[4]]
    assert sum((effort for _, _, effort in found), Effort()) == Effort(15, 18)


def test_a_pack_is_as_slow_as_its_slowest_and_a_turn_is_a_quarter_second():
    lanes = opened(width=2, seconds=lambda trial, epoch: 0.1 * (1 + trial.id.number))
    lanes.send(0, Turn((order(0), order(1))))
    ((_, reply),) = lanes.collect(1.0)
    assert lanes.clock() == pytest.approx(0.4)
    assert [(report.trial.number, report.epoch) for report in reply.reports] == [(0, 1), (1, 1), (0, 2), (1, 2)]


def test_a_trial_waits_at_its_rung_and_is_forgotten_when_dropped():
    lanes = opened()
    lanes.send(0, Turn((order(0, until=1), order(1, until=1))))
    lanes.collect(1.0)
    lanes.send(0, Turn((order(0),), (order(1).trial.id,)))
    lanes.send(0, Turn((order(1),)))
    epochs = [[(r.trial.number, r.epoch) for r in answer.reports] for _ in range(2) for _, answer in lanes.collect(1.0)]
    assert epochs == [[(0, 2)], [(0, 3), (1, 1)]]


def test_a_turn_that_was_sent_ahead_begins_while_the_loop_is_busy():
    """Two turns of a second are over after two, though the loop looks after five; a third begins when it is sent."""
    lanes = opened()
    lanes.send(0, Turn((order(0),)))
    lanes.send(0, Turn())
    lanes.spend(5.0)
    assert len(lanes.collect(1.0)) == 2
    assert lanes.clock() == 5.0
    lanes.send(0, Turn())
    lanes.collect(1.0)
    assert lanes.clock() == 6.0


def test_a_dead_lane_is_told_at_its_time_and_its_turns_are_void():
    lanes = opened(2, deaths=[(0.5, 1)])
    for lane in (0, 1):
        lanes.send(lane, Turn((order(lane),)))
        lanes.send(lane, Turn())
    assert [(lane, type(news)) for lane, news in lanes.collect(1.0)] == [(1, LaneLost), (1, LaneOpened)]
    assert lanes.clock() == 0.5
    assert [[lane for lane, _ in lanes.collect(1.0)] for _ in range(3)] == [[0], [0], []]


def test_a_lane_that_was_away_comes_back_later_and_does_not_die_meanwhile():
    lanes = opened(1, deaths=[(0.5, 0), (3.0, 0)], absence=10.0)
    lanes.send(0, Turn((order(0),)))
    told = []
    for _ in range(2):
        ((_, news),) = lanes.collect(1.0)
        told.append((type(news), lanes.clock()))
    assert told == [(LaneLost, 0.5), (LaneOpened, 10.5)]
    lanes.send(0, Turn((order(0),)))
    ((_, reply),) = lanes.collect(1.0)
    assert ([report.epoch for report in reply.reports], lanes.clock()) == ([1], 11.5)


def test_the_more_lanes_the_sooner_it_is_over():
    """What a study takes is virtual time, and so it is noted."""
    seconds = []
    for lanes in (1, 4):
        crew = simulated(lanes, seconds=uneven)
        seconds.append(Notes.read(train(SPEC, lanes=crew, clock=crew.clock).notes()).throughput.seconds)
        assert seconds[-1] == crew.clock()
    assert seconds[1] < 0.7 * seconds[0]
