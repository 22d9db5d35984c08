"""Outages of the storage and of MLflow's server: training goes on, what ends waits, and each trial is there once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from threading import Timer
from urllib.request import urlopen

import pytest

import slalom
from slalom.errors import Infrastructure
from slalom.home import Home
from slalom.records.on_mlflow import write_behind
from slalom.search import patient
from slalom.wiring import local_lanes
from tests.cluster.studies import DOCUMENT, rows, run_here
from tests.support.mlflow_tables import database
from tests.support.patience import Patience

SHORT = 4.0
"""Seconds of an outage that a study stands."""


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(patient, "RETRY_SECONDS", 0.2)
    monkeypatch.setattr(write_behind, "RETRY_SECONDS", 0.2)


@pytest.fixture(scope="module")
def expected():
    return run_here(study())


def study(name="small", **resources):
    """In packs so narrow that an outage strikes in its middle; no number depends on the name."""
    return slalom.Study(**DOCUMENT | {"name": name, "resources": {"lanes": 2, "pack_width": 2, **resources}})


class Outage:
    """A watch that stops a server once some trials have ended, and has it started again after some seconds."""

    def __init__(self, stop, start, seconds=SHORT):
        self.stop, self.start, self.seconds = stop, start, seconds
        self.ended_in_it, self.told, self.timer = 0, [], None

    def __call__(self, progress):
        self.told += progress.told
        if self.timer is None and progress.trials >= 4:
            self.stop()
            self.first = progress.trials
            self.timer = Timer(self.seconds, self.start)
            self.timer.start()
        elif self.timer is not None and self.timer.is_alive():
            self.ended_in_it = progress.trials - self.first

    def over(self):
        self.timer.join()
        return self


@pytest.fixture
def elsewhere(tmp_path, postgres):
    """A home whose storage is in PostgreSQL."""
    database(tmp_path)
    return Home(tmp_path, storage=postgres.url)


def outboxes(folder):
    return [file.name for file in folder.iterdir() if file.name.startswith("outbox")]


def test_a_study_goes_on_while_postgresql_is_restarted(expected, elsewhere, postgres):
    outage = Outage(postgres.stop, postgres.start)
    result = slalom.run(study(), elsewhere, lanes=local_lanes, watch=outage)
    assert rows(result.export()) == expected
    assert outage.over().ended_in_it > 0
    assert outboxes(elsewhere.folder) == []
    began, over = outage.told
    assert "does not answer" in began
    assert "training goes on, and what ends waits in" in began
    assert "the storage answers again after" in over
    assert not any("hush-hush" in line for line in outage.told)


def test_past_the_limit_a_study_stops_and_the_same_command_goes_on(expected, tmp_path, postgres):
    database(tmp_path)
    home = Home(tmp_path, storage=postgres.url)
    outage = Outage(postgres.stop, lambda: None)
    began = time.monotonic()
    with pytest.raises(Infrastructure, match=r"given up after \d+ s: what had ended waits in .*outbox-\w+\.db"):
        slalom.run(study("patient", outage_limit=1.0), home, lanes=local_lanes, watch=outage)
    assert time.monotonic() - began < 240
    postgres.start()
    assert outboxes(tmp_path)
    result = slalom.run(study("patient"), home, lanes=local_lanes)
    assert rows(result.export()) == expected
    assert outboxes(tmp_path) == []


@contextmanager
def tracking(folder, port):
    """An MLflow server of one process group, which is started again at the same port."""
    store = f"sqlite:///{folder / 'server.db'}"
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", store, "--artifacts-destination", str(folder / "files")]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "server.log").open("a") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
    try:
        patience = Patience(60)
        while not answers(port):
            assert not patience.over
            time.sleep(0.1)
        yield server
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def answers(port):
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


@pytest.mark.thorough
def test_a_study_goes_on_while_mlflow_hangs(expected, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port = line.getsockname()[1]
    with tracking(tmp_path, port) as server:
        outage = Outage(lambda: os.killpg(server.pid, signal.SIGSTOP), lambda: os.killpg(server.pid, signal.SIGCONT))
        home = Home(tmp_path / "home", tracking=f"http://127.0.0.1:{port}")
        result = slalom.run(study(), home, lanes=local_lanes, watch=outage)
        assert rows(result.export()) == expected
        assert recorded(home) == len(expected)
    assert outage.over().ended_in_it > 0
    began, *_, over = outage.told  # a busy server may be slow once more
    assert f"MLflow at http://127.0.0.1:{port} does not answer: " in began
    assert "answers again after" in over


def recorded(home):
    """How many trials have a run in MLflow, of which each must have one."""
    from mlflow import MlflowClient

    client = MlflowClient(home.tracking_uri)
    (experiment,) = client.search_experiments(filter_string="name = 'small'")
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    names = [run.info.run_name for run in runs if run.data.tags.get("slalom.kind") == "trial"]
    assert len(names) == len(set(names))
    return len(names)
