"""A command whose Ray dies or hangs ends in time, with its own exit code and a line; it goes on to the same numbers."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

import slalom
from slalom import wiring
from tests.cluster.clusters import descendants, title, wait_for
from tests.cluster.studies import rows, run_here
from tests.cluster.test_processes import STUDY, Command
from tests.support.held import Hold
from tests.support.mlflow_tables import database
from tests.support.patience import Patience

NARROW = STUDY.replace("epochs: 8", "epochs: 4").replace("pack_width: 8", "pack_width: 2")

STOPPED = "slalom: stopped; what had ended is kept; "


def found(command, word):
    """The one process below the command's whose title begins so, or holds it in its first word."""
    titles = {pid: title(pid) for pid in descendants(command.pid)}
    (process,) = [pid for pid, name in titles.items() if word in name.split(" ")[0] or name.startswith(word)]
    return process


def client(command):
    """The process that is connected to Ray: the command's child."""
    (process,) = [pid for pid, parent in descendants(command.pid).items() if parent == command.pid]
    return process


@pytest.fixture
def hold(tmp_path):
    return Hold(tmp_path, seconds=0.3)


@pytest.fixture
def command(tmp_path, hold):
    (tmp_path / "longer.yaml").write_text(f"{NARROW}metric: {json.dumps(hold.metric)}\n")
    database(tmp_path / "home")
    return Command(tmp_path / "longer.yaml", tmp_path / "home")


@pytest.fixture
def running(command):
    """The command, with trials that have ended; killed where a test leaves it."""
    with command.start_and_wait_for_trials() as started:
        yield started
        started.kill()


def ended(running, seconds):
    """Exit code, last line and all lines of a command that ends in time; what is left of its Ray ends by itself."""
    patience = Patience(seconds)
    while running.poll() is None:
        assert not patience.over
        time.sleep(0.1)
    told = running.stderr.read()
    return running.returncode, told.splitlines()[-1], told


def test_a_raylet_that_dies(command):
    """Its death is seen after 13 s."""
    with command.start_and_wait_for_trials() as running:
        os.kill(found(running, "/raylet"), signal.SIGKILL)
        code, last, told = ended(running, 60)
    assert code == 3
    assert last.startswith("slalom: Ray is gone")
    assert "the same command goes on" in last
    assert "core_worker" not in told
    assert "Traceback" not in told


def test_a_head_that_dies(monkeypatch, command):
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "5")  # by default 60
    with command.start_and_wait_for_trials() as running:
        os.kill(found(running, "/gcs_server"), signal.SIGKILL)
        code, last, told = ended(running, 60)
    assert code == 3
    assert last.startswith("slalom: Ray is gone")
    assert "Traceback" not in told


def test_a_ctrl_c_beside_a_lane_that_is_stopped(running, tmp_path, hold):
    lane = found(running, "ray::LaneActor")
    os.kill(lane, signal.SIGSTOP)
    os.kill(running.pid, signal.SIGINT)
    code, last, _ = ended(running, 11)
    assert code == 130
    assert last.startswith(STOPPED)
    assert wait_for(lambda: not title(lane))

    hold.let_go()
    study = slalom.load(tmp_path / "longer.yaml")
    result = slalom.run(study, tmp_path / "home", lanes=wiring.local_lanes)
    assert rows(result.export()) == run_here(study)


def test_a_sigterm_beside_a_ray_that_hangs(running):
    process = client(running)
    os.kill(process, signal.SIGSTOP)
    os.kill(running.pid, signal.SIGTERM)
    code, last, _ = ended(running, 11)
    assert code == 130
    assert last.startswith(STOPPED)
    assert wait_for(lambda: not title(process))
