"""What is kept of a net's decisions over the plane."""

import json
from pathlib import Path

import numpy as np
from torch import nn

from slalom.wire.learned import DECISIONS
from slalom_worker.net.objective import Objective
from slalom_worker.tasks import Data, Split, open_task
from slalom_worker.tasks.plane import is_plane
from slalom_worker.training.deciding import MOST_POINTS, decided
from slalom_worker.training.nets import TrainedTrial
from tests.workers.net.own_nets import WORK, Own
from tests.workers.trials import CPU, order, settings, trial, work

OF = work("mixture", hidden=(4,), batch_size=20)
"""The work of a small net; the data are given beside it."""


def found(data, of=OF):
    program = Objective(of, data, open_task(dict(of.task), Path()), CPU)
    return decided(program, TrainedTrial.start(order(trial(0, of, settings("sgd"))), program))


def data(inputs, classes=2):
    split = Split(inputs, np.arange(len(inputs)) % 2)
    return Data(split, split, split, classes)


def points(count, wide=2):
    return np.random.default_rng(0).normal(size=(count, wide)).astype(np.float32)


def test_of_very_many_training_points_some_are_kept_evenly_spread():
    given = points(3 * MOST_POINTS)
    kept = json.loads(found(data(given))[DECISIONS])
    assert (len(kept["points"]), kept["trained"]) == (MOST_POINTS, len(given))
    rows = [int(np.flatnonzero((given == np.float32(one[:2])).all(axis=1))[0]) for one in kept["points"]]
    assert (rows[0], rows[-1]) == (0, len(given) - 1)
    assert set(np.diff(rows)) <= {2, 3, 4}


def test_a_place_where_no_point_can_be_has_no_best_probability():
    task = open_task(dict(OF.task), Path())
    own = task.load()
    weights = own.test.weights.copy()
    half = len(weights) // 2
    weights[[0, half]] = 0
    test = Split(own.test.inputs, own.test.labels, weights)
    kept = json.loads(found(Data(own.train, own.validation, test, 2))[DECISIONS])
    assert kept["best"][0][0] is None
    assert all(0 <= one <= 1 for row in kept["best"] for one in row if one is not None)


def test_what_is_no_point_of_a_plane_has_no_decisions():
    assert found(data(points(60, 3))) == {}
    assert is_plane(data(points(60)))
    for dtype in (np.int64, np.uint8):
        assert not is_plane(data(np.zeros((60, 2), dtype))), "two words, or two bytes of a picture"


class Rooted(nn.Module):
    """Gives no number where the first coordinate is negative."""

    def __init__(self):
        super().__init__()
        self.line = nn.Linear(2, 2)

    def forward(self, points):
        return self.line(points) * points[:, :1].sqrt()


def test_where_a_net_gives_no_number_none_is_kept():
    task = Own(Rooted, (2,))
    given = data(np.abs(points(60)))
    program = Objective(WORK, given, task, CPU)
    kept = json.loads(decided(program, TrainedTrial.start(order(trial(0, WORK, settings("sgd"))), program))[DECISIONS])
    assert {one is None for row in kept["probability"] for one in row} == {True, False}
    assert all((kept["probability"][0][at] is None) == (x < 0) for at, x in enumerate(kept["xs"]))
