"""A task of the user's own travels to the lanes; what it raises there is told as it was said."""

from __future__ import annotations

import pytest

import slalom
from slalom import wiring
from slalom.errors import Infrastructure
from tests.cluster.studies import rows, run_here
from tests.support.mlflow_tables import database

TASK = '''
from pathlib import Path

import numpy as np
from torch import nn

from slalom_worker.tasks import Data, Split


AWAKE = Path({awake!r})


class Tired(Exception):
    """Known to this file alone, and not to be made from its text."""

    def __init__(self, cat, hours):
        super().__init__(f"{{cat}} sleeps {{hours}} hours")


class Purring(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 3))

    def forward(self, inputs):
        outputs = self.layers(inputs)
        {forward}
        return outputs


class Cats:
    def load(self):
        return Data(self.split(90, 0), self.split(40, 1), self.split(40, 2), classes=3)

    def split(self, count, seed):
        chance = np.random.default_rng(seed)
        labels = np.arange(count, dtype=np.int64) % 3
        inputs = chance.normal(size=(count, 4)) + labels[:, None]
        return Split(inputs.astype(np.float32), labels)

    def model(self):
        return Purring()
'''

STUDY = """
name: cats
question: Does momentum help to tell cats apart?
task: my_task.py:Cats
training: {epochs: 3, batch_size: 16, optimizer: momentum}
search:
  learning_rate: {log: [1e-3, 1e-1]}
arms:
  plain: {momentum: 0.0}
  heavy: {momentum: 0.9}
tune: {trials: 3, searches: 1, pick: none}
confirm: {seeds: 6}
compare: {baseline: plain}
resources: {lanes: 1}
"""

RAISING = "if len(inputs) > 2 and AWAKE.exists(): raise Tired('Tom', 16)"
"""After the study is read, which tries the model: see `failures`."""


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A function that writes the study and its task, and reads them from another folder."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "elsewhere").mkdir()

    def write(forward="pass"):
        (tmp_path / "mine" / "my_task.py").write_text(TASK.format(forward=forward, awake=str(tmp_path / "awake")))
        (tmp_path / "mine" / "study.yaml").write_text(STUDY)
        monkeypatch.chdir(tmp_path / "elsewhere")
        return slalom.load("../mine/study.yaml")

    return write


def failures(study, home, **options):
    """What is said of a study in which every trial fails, and its trials."""
    database(home)
    (home.parent / "awake").touch()
    with pytest.raises(Infrastructure) as caught:
        slalom.run(study, home, **options)
    return str(caught.value), slalom.show(study, home).export()


def test_it_travels_to_the_lanes(study, tmp_path, cluster):
    """Where the study lies there is no file when the lane opens the task."""
    cats = study()
    expected = run_here(cats)
    file = tmp_path / "mine" / "my_task.py"

    def lanes(spec):
        crew = wiring.ray_lanes(spec, cluster.address)
        file.rename(tmp_path / "away")
        return crew

    def put_back(progress):
        if progress.trials and not file.exists():
            (tmp_path / "away").rename(file)

    database(tmp_path / "home")
    found = slalom.run(cats, tmp_path / "home", lanes=lanes, watch=put_back).export()
    assert rows(found) == expected
    assert {row["outcome"] for row in found} <= {"complete", "pruned"}


def test_what_its_model_raises_on_a_local_ray(study, tmp_path):
    said, trials = failures(study(RAISING), tmp_path / "home")
    assert said.startswith("every trial failed, the first with: lane 0 on ")
    assert said.endswith(": Tired: Tom sleeps 16 hours")
    assert len(trials) == 6
    assert {row["outcome"] for row in trials} == {"failed"}
    assert {row["attempt"] for row in trials} == {2}
    assert all("Tired: Tom sleeps 16 hours" in row["error"] for row in trials)


def test_what_its_model_raises_in_this_process(study, tmp_path):
    said, trials = failures(study(RAISING), tmp_path / "home", lanes=wiring.local_lanes)
    assert said == "every trial failed, the first with: lane 0: Tired: Tom sleeps 16 hours"
    assert {row["outcome"] for row in trials} == {"failed"}


def test_what_its_model_raises_at_once(study, tmp_path):
    said, trials = failures(
        study("if AWAKE.exists(): raise ValueError('no fur')"), tmp_path / "home", lanes=wiring.local_lanes
    )
    assert "no fur" in said
    assert {(row["outcome"], row["attempt"]) for row in trials} == {("failed", 0)}


def test_a_model_that_leaves_the_numbers(study):
    with pytest.raises(slalom.StudyError, match="the loss of its first batch must be finite for some seed, but is nan"):
        run_here(study("outputs = outputs * float('nan')"))
