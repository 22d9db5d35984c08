"""The recorder's thread: its order, its failures, and what it leaves in the process and on the disk."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import closing, suppress
from pathlib import Path

import pytest
import requests
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, TEMPORARILY_UNAVAILABLE

from slalom.errors import Infrastructure
from slalom.records.on_mlflow import MlflowRecorder, write_behind
from slalom.records.on_mlflow import recorder as recorder_module
from slalom.records.on_mlflow.outage import is_outage
from slalom.records.on_mlflow.write_behind import ROOM, Patience, WriteBehind
from tests.support.mlflow_tables import database
from tests.support.record_samples import describe, ended, runs_in, study, summary, tuning_summary


def test_a_summary_is_skipped_when_a_later_one_waits(uri, tmp_path):
    described = []
    recorder = MlflowRecorder(uri, tmp_path / "artifacts", study(), lambda found: described.append(found) or "")
    # MLflow is still being opened when the last of these is given
    for _ in range(50):
        recorder.summary(tuning_summary())
    recorder.summary(last := summary())
    recorder.close()
    assert described[-1] is last
    assert len(described) < 51


def test_what_cannot_be_written_is_raised_by_the_next_call(uri, tmp_path):
    recorder = MlflowRecorder(uri, tmp_path, study(), describe)
    recorder.trials([ended()])
    deadline = time.monotonic() + 240
    while (
        not any(run.info.run_name == "constant search 0 tune 0" for run in runs_in(uri)) and time.monotonic() < deadline
    ):
        time.sleep(0.05)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.execute("DROP TABLE params")
    recorder.trials([ended(number=1)])
    with pytest.raises(Infrastructure, match="no result is lost: the same command goes on"):
        recorder.close()
    with pytest.raises(Infrastructure, match="did not take a record"):
        recorder.trials([ended(number=2)])


class Kept:
    """In place of an experiment: the trials that it was given, lot by lot; the first waits until it may go on."""

    def __init__(self):
        self.lots = []
        self.may = threading.Event()

    def trials(self, trials):
        self.may.wait(60)
        self.lots.append([trial.spec.id.number for trial in trials])

    def finish(self):
        pass


class Busy(deque):
    """As the loop's thread makes it look: a trial more whenever somebody begins to go through it."""

    def __iter__(self):
        found = super().__iter__()
        self.append(ended(number=99))
        return found


def test_trials_that_are_handed_over_while_others_are_written_stop_nothing(tmp_path, monkeypatch):
    kept = Kept()
    kept.may.set()
    monkeypatch.setattr(recorder_module, "_open_experiment", lambda *_: kept)
    monkeypatch.setattr(recorder_module, "deque", Busy)
    recorder = MlflowRecorder(f"sqlite:///{tmp_path}/mlflow.db", tmp_path, study(), describe)
    for number in range(3):
        recorder.trials([ended(number=number)])
    recorder.close()
    assert [number for lot in kept.lots for number in lot if number < 99] == [0, 1, 2]


def test_whoever_hands_over_a_home_full_of_trials_does_not_wait_until_they_are_written(tmp_path, monkeypatch):
    kept = Kept()
    monkeypatch.setattr(recorder_module, "_open_experiment", lambda *_: kept)
    recorder = MlflowRecorder(f"sqlite:///{tmp_path}/mlflow.db", tmp_path, study(), describe)
    giver = threading.Thread(target=recorder.trials, args=([ended(number=0)] * (2 * ROOM),), daemon=True)
    giver.start()
    giver.join(timeout=240)
    assert not giver.is_alive()
    kept.may.set()
    recorder.close()
    assert sum(map(len, kept.lots)) == 2 * ROOM


def test_who_waits_for_room_is_not_kept_by_a_failure():
    go = threading.Event()

    def make() -> None:
        go.wait()
        raise ValueError("no")

    writing = WriteBehind(make, lambda _: None, str)

    def give() -> None:
        with suppress(Infrastructure):
            for _ in range(ROOM + 10):
                writing.add(lambda _: None)

    giver = threading.Thread(target=give, daemon=True)
    giver.start()
    time.sleep(0.2)
    go.set()
    giver.join(timeout=40)
    assert not giver.is_alive()
    with pytest.raises(Infrastructure, match="no"):
        writing.close()


def test_a_job_that_fails_for_a_while_is_done_again_before_those_after_it(monkeypatch):
    monkeypatch.setattr(write_behind, "RETRY_SECONDS", 0.01)
    told, done, failing = [], [], iter([OSError("away"), OSError("away"), None])
    patience = Patience(lambda exc: isinstance(exc, OSError), 60.0, lambda exc: told.append(str(exc)), told.append)
    writing = WriteBehind(list, lambda _: done.append("end"), str, patience)

    def job(_):
        if (failure := next(failing)) is not None:
            raise failure
        done.append("first")

    writing.add(job)
    writing.add(lambda _: done.append("second"))
    writing.close()
    assert done == ["first", "second", "end"]
    assert told[0] == "away"
    assert len(told) == 2


def test_a_job_that_fails_for_too_long_is_a_failure():
    patience = Patience(lambda _: True, 0.0, lambda _: None, lambda _: None)
    writing = WriteBehind(list, lambda _: None, lambda exc: f"blamed: {exc}", patience)
    writing.add(lambda _: 1 / 0)
    with pytest.raises(Infrastructure, match="blamed: division by zero"):
        writing.close()


def caused(cause):
    """What a part raises that says in its own words what failed."""
    error = Infrastructure("the model registry did not take small.rising")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (MlflowException("too many 500 error responses"), True),
        (MlflowException("starting", error_code=TEMPORARILY_UNAVAILABLE), True),
        (MlflowException("no such run", error_code=RESOURCE_DOES_NOT_EXIST), False),
        (ConnectionResetError(104, "reset"), True),
        (requests.ConnectionError("refused"), True),
        (OSError(28, "No space left on device"), False),
        (PermissionError(13, "denied"), False),
        (ValueError("a bug"), False),
        (caused(MlflowException("too many 500 error responses")), True),
        (caused(MlflowException("no such run", error_code=RESOURCE_DOES_NOT_EXIST)), False),
        (caused(OSError("refused")), True),
        (Infrastructure("the registry is full"), False),
    ],
)
def test_which_errors_are_outages(error, passes):
    assert is_outage(error) is passes


QUIET = """
import sys
from pathlib import Path
from tests.support.programs import stand_in
from tests.support.record_samples import *
from slalom.records import InMemoryRecorder
from slalom.records.on_mlflow import MlflowRecorder
from slalom_worker.serving import freeze
import torch
assert "mlflow" not in sys.modules
recorder = MlflowRecorder("sqlite:///home/mlflow.db", Path("home/artifacts"), study(), describe)
recorder.trials(all_ended())
recorder.model(all_ended()[-1].spec, [freeze({"1.weight": torch.zeros(2, 3)}, stand_in((3,), 2))])
recorder.summary(summary())
recorder.close()
"""


@pytest.mark.thorough
def test_mlflow_says_nothing_and_leaves_nothing_about(tmp_path):
    done = python(QUIET, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert "mlflow.db-wal" not in {path.name for path in (tmp_path / "home").iterdir() if path.stat().st_size}


def test_a_recorder_that_is_never_closed_keeps_no_process(tmp_path):
    database(tmp_path / "home")
    done = python(QUIET.replace("recorder.close()", ""), tmp_path)
    assert done.returncode == 0


def python(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
    return subprocess.run(
        [sys.executable, "-c", path + program], cwd=folder, capture_output=True, text=True, timeout=480, check=False
    )


OPENED = """
from pathlib import Path
from tests.support.record_samples import *
from slalom.records.on_mlflow import MlflowRecorder
MlflowRecorder("sqlite:///home/mlflow.db", Path("home/artifacts"), study(), describe).close()
"""

KILLED = f"""
import os, signal, threading
from alembic.runtime.migration import MigrationContext
steps = MigrationContext.run_migrations
def cut_off(self, **kw):
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
    steps(self, **kw)
MigrationContext.run_migrations = cut_off
{OPENED}"""


@pytest.mark.thorough
def test_a_process_killed_while_the_tables_are_made_leaves_nothing_that_stops_the_next(tmp_path):
    assert python(KILLED, tmp_path).returncode == -signal.SIGKILL
    assert (tmp_path / "home" / "mlflow.db.new").exists()
    done = python(OPENED, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "home" / "mlflow.db.new").exists()


def test_what_a_run_is_made_with_stands_on_the_study_s_run(tmp_path):
    uri = database(tmp_path)
    commit = "c" * 40
    made_with = {"torch": "2.13.0", "code": "0123456789ab", "commit": f"{commit} with uncommitted changes"}
    for versions in (made_with, {**made_with, "torch": "2.14.0"}):
        MlflowRecorder(uri, tmp_path / "artifacts", study(), describe, versions).close()
    (top,) = [run for run in runs_in(uri) if run.data.tags["slalom.kind"] == "study"]
    found = {name: tag for name, tag in top.data.tags.items() if name.startswith("slalom.version.")}
    assert found == {f"slalom.version.{name}": made for name, made in {**made_with, "torch": "2.14.0"}.items()}
    assert top.data.tags["mlflow.source.git.commit"] == commit
