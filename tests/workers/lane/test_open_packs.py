"""A lane that closes packs to spare memory opens them again where trials wait, and no number depends on it."""

import math

import pytest

from slalom.wire.trial import Turn
from slalom_worker.lane import packs as module
from slalom_worker.lane.width import Width
from slalom_worker.lane.worker import HUNGRY, LaneWorker
from tests.workers.trials import CPU, order, settings, trial, work


def numbers(worker):
    """What trials of four programs report, each stopped once and gone on with."""
    trials = [trial(width, work(hidden=(width,)), settings(), epochs=2) for width in (2, 3, 4, 5)]
    found = {}
    for until in (1, 2):
        replies = [worker.turn(Turn(tuple(order(one, until) for one in trials))), worker.turn(Turn())]
        for report in [report for reply in replies for report in reply.reports]:
            found[report.trial, report.epoch] = report.metrics
    return found


@pytest.mark.parametrize("width", [2, lambda objective, order: Width(2)])
def test_few_packs_are_open(width, monkeypatch):
    many = numbers(LaneWorker(width=width, turn_seconds=math.inf, device=CPU))
    monkeypatch.setattr(module, "MOST_PACKS", 2)
    worker = LaneWorker(width=width, turn_seconds=math.inf, device=CPU)
    assert numbers(worker) == many
    assert len(many) == 8
    assert len(worker.packs) == 2


def test_the_first_turn_says_how_many_trials_a_pack_takes_before_it_trains_too_few():
    few, many = (
        tuple(order(trial(number, work(), settings(), epochs=50)) for number in span) for span in ((0,), range(1, 8))
    )
    worker = LaneWorker(width=lambda objective, order: Width(8), turn_seconds=math.inf, device=CPU)
    first = worker.turn(Turn(few))
    assert (first.slots, first.effort.available, first.reports) == (8, 0, ())
    whole = worker.turn(Turn(many))
    assert whole.effort.trained == whole.effort.available == 8 * 50


def test_a_turn_is_shorter_while_a_pack_has_free_slots():
    clock = iter(range(10_000))
    specs = [trial(number, work(), settings(), epochs=50) for number in range(4)]
    epochs = []
    for width in (4, 5):
        worker = LaneWorker(width=width, turn_seconds=4 * HUNGRY, device=CPU, clock=lambda: float(next(clock)))
        epochs.append(worker.turn(Turn(tuple(map(order, specs)))).effort.trained // 4)
    assert epochs == [4 * HUNGRY, 4]
