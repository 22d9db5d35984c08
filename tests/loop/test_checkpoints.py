"""A study with checkpoints, whose lanes and loop are killed: its numbers are the undisturbed one's, its home clean."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import slalom
from slalom import wiring
from slalom.cli import terminal
from slalom.errors import InputError, LaneLost
from slalom.lanes.in_process import InProcessLanes
from slalom.wire.trial import Outcome
from slalom_worker.lane.checkpoints import LaneCheckpoints
from slalom_worker.lane.worker import LaneWorker
from tests.support.mlflow_tables import database

STUDY = """
name: long
question: Does emphasis help?
task: digits
model: {name: mlp, hidden: [6]}
training: {epochs: 9, batch_size: 400, optimizer: adam, hidden_dropout: 0.1}
search:
  learning_rate: {log: [1e-3, 1.0]}
arms:
  uniform: {}
  emphasis: {emphasis: {scheme: misclassified, by: sampling}, early_stopping: 3}
tune: {trials: 9, searches: 2, pick: {best: 2, seeds: 2}}
confirm: {seeds: 3}
compare: {baseline: uniform}
"""
EVERY = "checkpoint: {every: 2}\n"


def slow(spec):
    """A lane of one pack, whose turns are an epoch long."""
    return InProcessLanes(lambda: LaneWorker(spec.folder, 5, turn_seconds=0.0, checkpoints=spec.checkpoints))


class Dying(InProcessLanes):
    """Lanes that lose their worker at every ninth turn, as if its process were killed."""

    def __init__(self, spec):
        super().__init__(lambda: LaneWorker(spec.folder, 5, turn_seconds=0.0, checkpoints=spec.checkpoints))
        self.turns = 0

    def collect(self, timeout):
        self.turns += bool(self._turns)
        if self.turns % 9 or not self._turns:
            return super().collect(timeout)
        self.release(0)
        self._workers[0] = self._factory()
        return [(0, LaneLost("lane 0: killed", left=True)), (0, self._there(0))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("long")
    (found / "plain.yaml").write_text(STUDY)
    (found / "long.yaml").write_text(STUDY + EVERY)
    return found


@pytest.fixture(scope="module")
def whole(folder):
    """The study's trials without checkpoints, by a run that nothing disturbs."""
    database(folder / "whole")
    return rows(slalom.run(folder / "plain.yaml", folder / "whole", lanes=slow))


def rows(result):
    return sorted(
        ({name: value for name, value in row.items() if name != "attempt"} for row in result.export()),
        key=lambda row: (row["arm"], row["search"], row["phase"], row["number"]),
    )


@pytest.fixture
def loaded(monkeypatch):
    """The epochs at which trials went on from a checkpoint."""
    epochs, load = [], LaneCheckpoints.load

    def look(self, order, objective):
        found = load(self, order, objective)
        epochs.extend([] if found is None else [found.epoch])
        return found

    monkeypatch.setattr(LaneCheckpoints, "load", look)
    return epochs


@pytest.mark.thorough
def test_the_setting_alone_changes_no_number_and_leaves_nothing(folder, whole, tmp_path, loaded):
    database(tmp_path)
    left = []

    def look(progress):
        names = {file.name for file in (tmp_path / "checkpoints").glob("*/*")}
        left.append(len(names))
        assert all(name.count("-") == 3 for name in names)

    result = slalom.run(folder / "long.yaml", tmp_path, lanes=slow, watch=look)
    assert result.spec.fingerprint == slalom.load(folder / "plain.yaml").fingerprint
    assert rows(result) == whole
    assert 0 < max(left) <= 9 + 5
    assert loaded == []
    assert not (tmp_path / "checkpoints").exists()


def test_lanes_that_are_killed_cost_a_few_epochs_and_no_number(folder, whole, tmp_path, loaded):
    database(tmp_path)
    result = slalom.run(folder / "long.yaml", tmp_path, lanes=Dying)
    assert rows(result) == whole
    assert set(loaded) >= {2, 4, 6}
    assert max(row["attempt"] for row in result.export()) > 0
    assert not (tmp_path / "checkpoints").exists()


KILLED = """
import os, signal, sys
import slalom
from tests.loop.test_checkpoints import slow

calls = 0

def watch(progress):
    global calls
    calls += 1
    if calls == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

slalom.run(sys.argv[1], sys.argv[2], lanes=slow, watch=watch)
"""


@pytest.mark.thorough
def test_a_loop_that_is_killed_goes_on_from_its_checkpoints(folder, whole, tmp_path, loaded):
    """By SIGKILL, which no program hears."""
    database(tmp_path)
    for calls in (8, 9):
        command = [sys.executable, "-c", KILLED, folder / "long.yaml", tmp_path, str(calls)]
        done = subprocess.run(command, cwd=Path(__file__).parents[2], env=os.environ)
        assert done.returncode == -signal.SIGKILL
        assert list((tmp_path / "checkpoints").glob("*/*/state"))
    assert rows(slalom.run(folder / "long.yaml", tmp_path, lanes=slow)) == whole
    assert loaded
    assert not (tmp_path / "checkpoints").exists()


class Killed(BaseException):
    pass


def broken_off(folder, home, calls):
    def watch(_):
        nonlocal calls
        calls -= 1
        if not calls:
            raise Killed

    with pytest.raises(Killed):
        slalom.run(folder / "long.yaml", home, lanes=slow, watch=watch)


def test_a_checkpoint_cut_in_half_is_told_and_not_used(folder, whole, tmp_path, capsys):
    database(tmp_path)
    broken_off(folder, tmp_path, 8)
    files = sorted((tmp_path / "checkpoints").glob("*/*/state"))
    files[0].write_bytes(files[0].read_bytes()[: files[0].stat().st_size // 2])
    seen = []
    result = slalom.run(folder / "long.yaml", tmp_path, lanes=slow, watch=lambda now: seen.extend(now.told))
    assert rows(result) == whole
    (remark,) = result.remarks
    assert remark.startswith("the checkpoint of ")
    assert "cut short" in remark
    assert seen == [f"Note: {remark}"]
    assert result.as_json()["remarks"] == [remark]
    terminal.verdict(result)
    assert f"Note: {remark}" in capsys.readouterr().out
    assert slalom.show(folder / "long.yaml", tmp_path).remarks == (remark,)


@pytest.mark.thorough
def test_a_study_of_which_the_setting_is_taken_away_leaves_nothing(folder, whole, tmp_path):
    database(tmp_path)
    broken_off(folder, tmp_path, 8)
    assert (tmp_path / "checkpoints").exists()
    assert rows(slalom.run(folder / "plain.yaml", tmp_path, lanes=slow)) == whole
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.thorough
def test_the_folder_of_a_study_that_has_another_one_s_beside_it_stays(folder, tmp_path):
    database(tmp_path)
    other = tmp_path / "checkpoints" / "other"
    other.mkdir(parents=True)
    result = slalom.run(folder / "long.yaml", tmp_path, lanes=wiring.local_lanes)
    assert {row["outcome"] for row in result.export()} <= {Outcome.COMPLETE, Outcome.PRUNED, Outcome.DIVERGED}
    assert list((tmp_path / "checkpoints").iterdir()) == [other]


def test_a_home_that_takes_no_folder_is_refused_before_anything_is_trained(folder, tmp_path):
    database(tmp_path)
    (tmp_path / "checkpoints").write_text("in the way")
    with pytest.raises(InputError, match="cannot write checkpoints"):
        slalom.run(folder / "long.yaml", tmp_path, lanes=slow)
