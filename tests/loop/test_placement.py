"""Which lane trains which trial."""

from collections import Counter

import pytest

from slalom.loop.placement import FIRST_SLOTS, GRACE_SECONDS, IN_FLIGHT, Placement
from slalom.study.trials import trial_spec
from slalom.wire.trial import Effort, Order, Outcome, Phase, Reply, Report, TrialId, TrialResult
from tests.loop.worlds import MemoryStore, one_lane, scattered, study, train

SPEC = study()


def order(number, until=3, attempt=0, *, alone=False):
    trial = TrialId("rising", Phase.TUNE, number)
    return Order(trial_spec(SPEC, trial, {"learning_rate": 0.1}, attempt), until, alone=alone)


def orders(count, **options):
    return [order(number, **options) for number in range(count)]


def opened(lanes, width):
    """A placement with so many open lanes."""
    placement = Placement(width)
    for lane in range(lanes):
        placement.opened(lane)
    return placement


def sent(placement):
    """The numbers of the trials that each lane is sent now, and of those it may forget."""
    return {
        lane: ([one.trial.id.number for one in turn.orders], [trial.number for trial in turn.drops])
        for lane, turn in placement.turns()
    }


def answered(*answers, slots=None):
    """A reply in which these trials reached the end of their orders."""
    reports = tuple(Report(one.trial.id, one.trial.attempt, one.until, {}) for one in answers)
    return Reply(reports, slots=slots)


def ended(*answers):
    results = (TrialResult(one.trial.id, one.trial.attempt, Outcome.COMPLETE, 9, {}) for one in answers)
    return Reply(results=tuple(results))


def test_waiting_orders_are_spread_evenly():
    placement = opened(4, None)
    placement.take(orders(14))
    loads = [len(numbers) for numbers, _ in sent(placement).values()]
    assert sorted(loads) == [3, 3, 4, 4]


def test_a_lane_that_falls_empty_takes_the_next():
    placement = opened(2, 4)
    batch = orders(12)
    placement.take(batch)
    assert sent(placement) == {0: ([0, 2, 4, 6, 8], []), 1: ([1, 3, 5, 7, 9], [])}
    placement.replied(1, ended(*batch[1:9:2]))
    assert sent(placement) == {0: ([], []), 1: ([10, 11], [])}


def test_a_lane_takes_a_fourth_more_than_it_trains_at_once():
    placement = opened(1, None)
    placement.take(orders(60))
    assert len(sent(placement)[0][0]) == FIRST_SLOTS + FIRST_SLOTS // 4
    placement.replied(0, Reply(slots=40))
    assert len(sent(placement)[0][0]) == 50 - 20


def test_a_lane_is_sent_two_turns_ahead():
    placement = opened(2, 4)
    placement.take(orders(1))
    turns = [lane for _ in range(5) for lane, _ in placement.turns()]
    assert turns == [0] * IN_FLIGHT
    placement.replied(0, Reply())
    assert [lane for lane, _ in placement.turns()] == [0]


def test_a_lane_is_sent_one_turn_until_one_has_said_how_many_it_trains():
    placement = opened(1, None)
    placement.take(orders(60))
    turns = [turn for _ in range(5) for _, turn in placement.turns()]
    assert [len(turn.orders) for turn in turns] == [FIRST_SLOTS + FIRST_SLOTS // 4]
    placement.replied(0, Reply(slots=40))
    turns = [turn for _ in range(5) for _, turn in placement.turns()]
    assert [len(turn.orders) for turn in turns] == [50 - 20, 0]


def test_a_trial_goes_back_to_the_lane_that_holds_it():
    placement = opened(2, None)
    first = order(0)
    placement.take([first])
    assert sent(placement) == {0: ([0], [])}
    placement.replied(0, answered(first))
    placement.take([order(number) for number in (7, 8, 9)])
    sent(placement)
    placement.take([order(0, until=9)])
    placement.replied(0, Reply())
    assert sent(placement)[0] == ([0], [])


def test_a_report_before_the_end_of_the_order_ends_nothing():
    placement = opened(1, 1)
    first, second = orders(2)
    placement.take([first, second])
    assert sent(placement) == {0: ([0], [])}
    placement.replied(0, Reply((Report(first.trial.id, 0, 1, {}), Report(first.trial.id, 1, 3, {}))))
    assert sent(placement) == {0: ([], [])}
    placement.replied(0, answered(first))
    assert sent(placement) == {0: ([1], [])}


def test_a_dead_lanes_trials_are_told_and_go_elsewhere():
    placement = opened(2, 16)
    batch = orders(4)
    placement.take(batch)
    assert sent(placement) == {0: ([0, 2], []), 1: ([1, 3], [])}
    placement.replied(0, answered(batch[2]))
    assert [trial.number for trial in placement.lost(0)] == [0]
    placement.opened(0)
    placement.take([order(0, attempt=1), order(2, until=9)])
    assert sent(placement) == {0: ([0, 2], []), 1: ([], [])}


def test_a_dead_lane_loses_only_what_it_was_sent():
    placement = opened(2, None)
    placement.take(orders(2))
    for _ in range(IN_FLIGHT):
        sent(placement)
    placement.take([order(2), order(3)])
    assert sent(placement) == {}
    assert [trial.number for trial in placement.lost(0)] == [0]
    placement.opened(0)
    assert sent(placement) == {0: ([2], [])}


def test_a_trial_that_waits_in_a_dead_lane_goes_elsewhere_with_its_next_order():
    """Whether that comes up before the lane's death, when it is not sent yet, or after."""
    placement = opened(2, None)
    batch = orders(8)
    placement.take(batch)
    for _ in range(IN_FLIGHT):
        sent(placement)
    placement.replied(0, answered(batch[0], batch[2]))
    sent(placement)
    placement.take([order(0, until=9)])
    assert sent(placement) == {}
    assert [trial.number for trial in placement.lost(0)] == [4, 6]
    placement.opened(0)
    placement.replied(1, ended(*batch[1::2]))
    placement.take([order(2, until=9)])
    assert sent(placement) == {0: ([0], []), 1: ([2], [])}


def test_what_is_dropped_is_told_to_the_lane_that_holds_it_once():
    placement = opened(2, 16)
    batch = orders(4)
    placement.take(batch)
    sent(placement)
    placement.replied(1, answered(batch[1], batch[3]))
    placement.drop([batch[3].trial.id, TrialId("rising", Phase.TUNE, 77)])
    placement.drop([batch[3].trial.id])
    assert sent(placement) == {0: ([], []), 1: ([], [3])}
    assert sent(placement) == {}


def test_a_dead_lane_is_told_of_no_drops():
    placement = opened(1, None)
    batch = orders(2)
    placement.take(batch)
    sent(placement)
    placement.replied(0, answered(*batch))
    placement.drop([batch[0].trial.id])
    placement.lost(0)
    placement.opened(0)
    placement.take([order(1, until=9, attempt=1)])
    assert sent(placement) == {0: ([1], [])}


def test_a_trial_that_may_bring_its_lane_down_is_alone():
    """Others go elsewhere or wait; so do those that come back to its lane."""
    placement = opened(2, None)
    held, last, more = order(5), order(0, alone=True), orders(4)[1:]
    placement.take([held])
    sent(placement)
    placement.replied(0, answered(held))
    placement.take([last, *more, order(5, until=9)])
    assert sent(placement) == {0: ([0], []), 1: ([1, 2, 3], [])}
    placement.take([order(9, alone=True)])
    placement.replied(0, ended(last))
    assert sent(placement)[0] == ([5], [])
    placement.replied(0, ended(order(5)))
    placement.replied(1, ended(*more))
    assert sent(placement)[0] == ([9], [])


@pytest.mark.parametrize("held", [False, True])
def test_a_trial_that_must_be_alone_gets_a_lane_while_others_wait(held):
    """The emptiest lane, or the one with its state, takes no other orders until it is empty; the other lanes do."""
    placement, training = opened(2, 4), {0: [], 1: []}
    if held:
        placement.take([order(0)])
        sent(placement)
        placement.replied(0, answered(order(0)))
    placement.take(orders(12)[1:])
    sent_to_lanes(placement, training)
    placement.take([order(0, until=9, alone=True), *orders(100)[12:]])
    lane = 0 if held else 1
    while 0 not in training[lane]:
        for number, trials in training.items():
            placement.replied(number, ended(order(trials.pop(0))))
        sent_to_lanes(placement, training)
    assert (training[lane], len(training[1 - lane])) == ([0], 6)
    assert max(training[1 - lane]) < 30


def sent_to_lanes(placement, training):
    """Add the numbers of the trials that lanes are sent now."""
    for lane, (numbers, _) in sent(placement).items():
        training[lane] += numbers


def test_what_waits_before_a_lane_is_there_goes_to_the_first():
    placement = Placement(4)
    placement.take(orders(2))
    assert sent(placement) == {}
    placement.opened(7)
    assert sent(placement) == {7: ([0, 1], [])}


def test_vacant_is_what_the_lanes_would_take_beside_what_they_have_and_what_waits():
    placement = opened(2, 4)
    assert placement.vacant == 2 * 5
    placement.take(orders(3))
    assert placement.vacant == 7
    sent(placement)
    assert placement.vacant == 7
    placement.replied(0, Reply(results=ended(order(0)).results, slots=8))
    assert placement.vacant == 10 - 1 + 5 - 2 + 1
    placement.lost(0)
    assert placement.vacant == 5 - 1
    placement.take(orders(9)[3:])
    assert placement.vacant == 0
    placement.take([order(20, alone=True)])
    placement.opened(2)
    placement.leave([1], 0.0)
    sent(placement)
    assert placement.vacant == 0, "the one lane is kept for the trial that must be alone"
    placement.opened(3)
    sent(placement)
    assert placement.vacant == 10 - 6


def test_a_lane_that_must_be_given_back_ends_its_orders_and_takes_no_others():
    placement = opened(2, 4)
    batch = orders(4)
    placement.take(batch)
    assert sent(placement) == {0: ([0, 2], []), 1: ([1, 3], [])}
    placement.leave([0], 10.0)
    placement.replied(0, answered(batch[0]))
    placement.take([order(0, until=9), order(8)])
    assert sent(placement) == {0: ([], []), 1: ([8], [])}
    assert placement.left(11.0) == []
    placement.replied(0, ended(batch[2]))
    assert sent(placement) == {}
    assert placement.left(13.0) == [0]
    assert placement.left(14.0) == []
    placement.replied(1, Reply())
    assert sent(placement) == {1: ([0], [])}


def test_what_a_lane_that_must_be_given_back_was_not_sent_yet_goes_elsewhere():
    placement = opened(2, 4)
    placement.take(orders(2))
    for _ in range(IN_FLIGHT):
        sent(placement)
    placement.take(orders(4)[2:])
    sent(placement)
    placement.leave([0], 0.0)
    placement.replied(1, Reply())
    assert sent(placement) == {1: ([3, 2], [])}


def test_orders_that_keep_a_lane_too_long_start_anew_elsewhere_at_no_attempts_cost():
    placement = opened(2, 4)
    placement.take(orders(2))
    sent(placement)
    placement.leave([0], 10.0)
    assert placement.left(10.0 + GRACE_SECONDS) == []
    assert placement.left(10.1 + GRACE_SECONDS) == [0]
    (turn,) = [turn for _, turn in placement.turns() if turn.orders]
    assert [(one.trial.id.number, one.trial.attempt) for one in turn.orders] == [(0, 0)]


def test_a_lane_that_must_be_given_back_may_die():
    placement = opened(2, 4)
    placement.take(orders(2))
    sent(placement)
    placement.leave([0], 10.0)
    assert [trial.number for trial in placement.lost(0)] == [0]
    assert placement.left(1000.0) == []


@pytest.fixture
def lanes():
    """Three lanes that trained a whole study."""
    crew = scattered(2, 3)
    train(SPEC, MemoryStore(SPEC), crew)
    return crew


def test_in_a_study_every_trial_stays_in_its_lane(lanes):
    homes = {}
    for lane, turn in lanes.sent:
        for one in turn.orders:
            if one.trial.id.phase is Phase.TUNE:
                homes.setdefault(one.trial.id, set()).add(lane)
    assert len(homes) == len(SPEC.arms) * SPEC.tune.trials
    assert all(len(lanes) == 1 for lanes in homes.values())
    steps = lanes.trained
    assert len(steps) == len(set(steps))


def test_in_a_study_every_pruned_trial_is_dropped_and_nothing_else():
    lanes, store = scattered(2, 3), MemoryStore(SPEC)
    train(SPEC, store, lanes)
    pruned = {trial for trial, ended in store.ended().items() if ended.result.outcome is Outcome.PRUNED}
    dropped = Counter(trial for _, turn in lanes.sent for trial in turn.drops)
    assert dropped == dict.fromkeys(pruned, 1)
    assert not any(worker.parked for worker in lanes.workers)


def test_in_a_study_the_lanes_are_loaded_evenly(lanes):
    first = {}
    for lane, turn in lanes.sent:
        first.setdefault(lane, len(turn.orders))
    assert sorted(first.values()) == [5, 5, 6]


def test_no_number_depends_on_the_width():
    found = [train(SPEC, lanes=one_lane(slots=slots)).ended() for slots in (1, 3, 40)]
    results = [{trial: ended.result.metrics for trial, ended in one.items()} for one in found]
    assert results[0] == results[1] == results[2]


def test_a_lane_whose_orders_are_short_is_sent_as_many_as_two_turns_end():
    """Else it would train a pack that empties until the loop hears of it."""
    placement, batch = opened(1, 8), orders(100, until=1)
    placement.take(batch)
    assert len(sent(placement)[0][0]) == 10, "eight slots and a fourth more"
    placement.replied(0, answered(*batch[:10]))
    assert len(sent(placement)[0][0]) == 8 + IN_FLIGHT * 10


def test_a_lane_whose_first_trials_train_to_a_rung_takes_as_many_again_until_one_ends():
    """They began together, and at the rung they all wait at once."""
    placement, batch = opened(1, 8), orders(100)
    placement.take(batch)
    assert len(sent(placement)[0][0]) == 10
    placement.replied(0, Reply(slots=8))
    assert len(sent(placement)[0][0]) == 0, "nothing was trained"
    placement.replied(0, Reply(effort=Effort(8, 8)))
    assert len(sent(placement)[0][0]) == 16 - 10
    placement.replied(0, answered(*batch[:1]))
    assert len(sent(placement)[0][0]) == 0
    placement.replied(0, Reply(effort=Effort(8, 8)))
    assert len(sent(placement)[0][0]) == 0, "one has ended before"
    placement.replied(0, answered(*batch[1:9]))
    assert len(sent(placement)[0][0]) == 8 + IN_FLIGHT * 8 - 7


def test_trials_that_train_to_their_end_are_not_queued_behind_one_another():
    """Another lane may have a slot for them long before."""
    placement, batch = opened(1, 8), orders(100, until=SPEC.epochs)
    placement.take(batch)
    assert len(sent(placement)[0][0]) == 10
    placement.replied(0, Reply(effort=Effort(8, 8)))
    assert len(sent(placement)[0][0]) == 0
