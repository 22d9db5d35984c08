"""A lane that closes packs to spare memory opens them again where trials wait, and no number depends on it."""

import math

import pytest

from slalom.wire.trial import Turn
from slalom_worker.lane import worker as module
from slalom_worker.lane.worker import LaneWorker
from tests.workers.trials import CPU, order, settings, trial, work


def numbers(worker):
    """What trials of four programs report, each stopped once and gone on with."""
    trials = [trial(width, work(hidden=(width,)), settings(), epochs=2) for width in (2, 3, 4, 5)]
    found = {}
    for until in (1, 2):
        for report in worker.turn(Turn(tuple(order(one, until) for one in trials), ())).reports:
            found[report.trial, report.epoch] = report.metrics
    return found


@pytest.mark.parametrize("width", [2, lambda objective, order: 2])
def test_few_packs_are_open(width, monkeypatch):
    many = numbers(LaneWorker(width=width, turn_seconds=math.inf, device=CPU))
    monkeypatch.setattr(module, "MOST_PACKS", 2)
    worker = LaneWorker(width=width, turn_seconds=math.inf, device=CPU)
    assert numbers(worker) == many
    assert len(many) == 8
    assert len(worker.packs) == 2
