"""A command whose Ray dies or hangs ends in time, with its own exit code and a line; it goes on to the same numbers."""

from __future__ import annotations

import os
import signal
import time

import pytest

import slalom
from tests.cluster.clusters import descendants, title, wait_for
from tests.cluster.studies import rows, run_here
from tests.cluster.test_processes import STUDY, Command
from tests.support.mlflow_tables import database

LONGER = STUDY.replace("epochs: 8", "epochs: 60").replace("lanes: 1", "lanes: 1, pack_width: 2")

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
def command(tmp_path):
    (tmp_path / "longer.yaml").write_text(LONGER)
    database(tmp_path / "home")
    return Command(tmp_path / "longer.yaml", tmp_path / "home")


def ended(running, seconds):
    """Exit code and last line of a command that ends in time; what is left of its Ray ends by itself."""
    began = time.monotonic()
    _, told = running.communicate(timeout=120)
    assert time.monotonic() - began < seconds
    return running.returncode, told.splitlines()[-1], told


def test_a_raylet_that_dies_and_a_ctrl_c_beside_a_lane_that_is_stopped(command, tmp_path):
    first = command.start_and_wait_for_trials()
    os.kill(found(first, "/raylet"), signal.SIGKILL)
    code, last, told = ended(first, 60)
    assert code == 3
    assert last.startswith("slalom: Ray is gone")
    assert "the same command goes on" in last
    assert "core_worker" not in told
    assert "Traceback" not in told

    second = command.start_and_wait_for_trials()
    lane = found(second, "ray::LaneActor")
    os.kill(lane, signal.SIGSTOP)
    os.kill(second.pid, signal.SIGINT)
    code, last, _ = ended(second, 11)
    assert code == 130
    assert last.startswith(STOPPED)
    assert wait_for(lambda: not title(lane))

    third = command.start()
    third.communicate(timeout=300)
    assert third.returncode == 0
    result = slalom.show(tmp_path / "longer.yaml", tmp_path / "home")
    assert rows(result.export()) == run_here(slalom.load(tmp_path / "longer.yaml"))


def test_a_head_that_dies_and_a_sigterm_beside_a_ray_that_hangs(command, monkeypatch):
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "5")  # by default 60
    first = command.start_and_wait_for_trials()
    os.kill(found(first, "/gcs_server"), signal.SIGKILL)
    code, last, told = ended(first, 60)
    assert code == 3
    assert last.startswith("slalom: Ray is gone")
    assert "Traceback" not in told

    second = command.start_and_wait_for_trials()
    process = client(second)
    os.kill(process, signal.SIGSTOP)
    os.kill(second.pid, signal.SIGTERM)
    code, last, _ = ended(second, 11)
    assert code == 130
    assert last.startswith(STOPPED)
    assert wait_for(lambda: not title(process))
