"""Arms with other options of the task: what is read of the data of each, in the fingerprint and in what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from slalom.errors import StudyError
from slalom.study.differences import differences, extends, told
from slalom.study.trials import sample_trials
from slalom.wire.trial import task_key
from tests.study.replaced import reader

FILE = """
import numpy as np

from slalom_worker.tasks import Data, Split


class Measured:
    def __init__(self, file):
        self.file = file

    def load(self):
        inputs = np.load(self.file)
        part = Split(inputs, np.arange(len(inputs)) % 2)
        return Data(part, part, part, classes=2)
"""

STUDY = """\
name: measured
question: Does it?
task: {name: "measured.py:Measured", file: a.npy}
training: {epochs: 2, batch_size: 10, optimizer: momentum, learning_rate: 0.1}
arms:
  one: {}
  two: {task: {file: b.npy}}
tune: {trials: 1, searches: 2, pick: none}
confirm: {seeds: 2}
compare: {baseline: one}
"""

SEARCHED = ("task: {file: b.npy}", "task: {file: {choice: [a.npy, b.npy]}}")


def write(name, *shape, seed=0):
    np.save(name, np.random.default_rng(seed).random(shape).astype(np.float32))


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Reads the study after replacements, in a folder with the two files."""
    read = reader(tmp_path, monkeypatch, "measured", FILE, STUDY)
    write("a.npy", 20, 3)
    write("b.npy", 20, 3, seed=1)
    return read


@pytest.mark.parametrize("change", [(), (SEARCHED,)])
def test_the_data_of_every_arm_are_in_the_fingerprint(read, change):
    before = read(*change)
    assert read(*change).fingerprint == before.fingerprint
    write("b.npy", 20, 3, seed=2)
    assert read(*change).fingerprint != before.fingerprint
    assert read(*change).data_digest == before.data_digest


def test_every_task_that_trials_are_sampled_of_has_a_digest_for_its_lanes(read):
    spec = read(SEARCHED)
    tasks = {trial.work.task["file"]: task_key(trial.work.task) for trial in sample_trials(spec)}
    assert spec.digests.keys() == {*tasks.values()}
    assert spec.digests[tasks["a.npy"]] == spec.data_digest != spec.digests[tasks["b.npy"]]


def test_an_option_named_value_is_seen_as_searched_too(read, tmp_path):
    (tmp_path / "measured.py").write_text(FILE.replace("(self, file)", "(self, value)").replace("= file", "= value"))
    spec = read(("file: a.npy", "value: a.npy"), ("file: b.npy", "value: {choice: [a.npy, b.npy]}"))
    assert [trial.work.task["value"] for trial in sample_trials(spec)] == ["a.npy", "a.npy", "b.npy"]
    assert len(spec.digests) == 2


def test_an_arm_that_is_added_with_its_data_extends_the_study(read):
    write("c.npy", 20, 3, seed=3)
    added = ("  two:", "  more: {task: {file: c.npy}}\n  two:")
    small = read()
    assert extends(small.identity, read(added).identity)
    write("b.npy", 20, 3, seed=2)
    assert not extends(small.identity, read(added).identity)
    found = differences(small.identity, read().identity)
    assert [one.name for one in found] == ["arm_data.two"]
    assert told(found).startswith("other data of arms (arm_data.two is ")


def test_an_arm_is_checked_on_its_own_data(read):
    write("b.npy", 12, 3)
    dropping = ("optimizer: momentum", "optimizer: momentum, drop_last: true")
    assert read(dropping, ("one: {}", "one: {batch_size: 20}")).arm("one").settings["batch_size"] == 20
    refused = r":7:3: arm two: drop_last leaves no batch: .* at most the 12 training examples, got 20"
    with pytest.raises(StudyError, match=refused):
        read(dropping, ("two: {", "two: {batch_size: 20, "))
    with pytest.raises(StudyError, match=refused):
        read(dropping, SEARCHED, ("two: {", "two: {batch_size: 20, "))


def test_a_net_has_the_size_that_it_has_on_its_trial_s_data(read):
    write("b.npy", 20, 5)
    spec = read(("training:", "model: {name: mlp, hidden: [4]}\ntraining:"))
    sizes = {trial.id.arm: spec.nets.size(trial.work).parameters for trial in sample_trials(spec)}
    assert sizes == {"one": 3 * 4 + 4 + 4 * 2 + 2, "two": 5 * 4 + 4 + 4 * 2 + 2}
    other = replace(sample_trials(spec)[0].work, task={**spec.task, "file": "c.npy"})
    assert spec.nets.size(other) is None
