"""What a study learns of its task's splits, and which data its lanes are given."""

from __future__ import annotations

import numpy as np
import pytest

import slalom
from slalom import wiring

TASK = """
import numpy as np
from torch import nn
from slalom_worker.tasks import Data, Split

class Draws:
    def load(self):
        return self.data(0)

    def data(self, number):
        inputs = np.random.default_rng(number).random((40, 3)).astype(np.float32)
        part = Split(inputs, np.arange(40) % 2)
        return Data(part, part, part, classes=2)

class Loads(Draws):
    def load(self, split):
        return self.data(split)
"""
STUDY = {
    "name": "own",
    "question": "Whose data does a lane have?",
    "model": {"name": "mlp", "hidden": [3]},
    "training": {"epochs": 2, "batch_size": 10},
    "search": {"learning_rate": {"log": [1e-2, 1.0]}},
    "arms": {"sgd": {"optimizer": "sgd"}, "adam": {"optimizer": "adam"}},
    "tune": {"trials": 2, "pruner": "none", "searches": 6},
    "confirm": {"seeds": 2},
    "compare": {"baseline": "sgd"},
}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A function from the task's class, and what the study file says of resampling, to the study."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(TASK)
    return lambda name, **resample: slalom.Study(**STUDY, task=f"mine.py:{name}", **resample)


def test_splits_of_a_task_are_drawn_from_data_that_all_lanes_share(study):
    spec = study("Draws")
    assert (spec.resampled, spec.loads_splits) == (True, False)
    data = wiring._data_of(spec)
    assert data.digest() == spec.data_digest
    assert np.shares_memory(data.train.inputs, data.pool.inputs)
    assert np.shares_memory(data.validation.inputs, data.pool.inputs)


def test_a_task_that_loads_its_splits_is_loaded_by_the_lanes(study):
    spec = study("Loads")
    assert (spec.resampled, spec.loads_splits) == (True, True)
    assert spec.data_digest == study("Draws").data_digest  # of split 0
    assert wiring._data_of(spec) is None


@pytest.mark.parametrize("name", ["Draws", "Loads"])
def test_of_a_fixed_split_lanes_have_the_data_as_they_are(study, name):
    spec = study(name, resample={"split": "fixed"})
    assert not spec.resampled
    data = wiring._data_of(spec)
    assert data.digest() == spec.data_digest
    assert data.pool is None
