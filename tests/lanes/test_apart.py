"""Lanes in a process of their own: it dies or hangs, and the loop's goes on. What lanes do is in tests/contracts."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from slalom.errors import Infrastructure, InputError
from slalom.lanes import apart
from slalom.lanes.apart import ApartLanes
from slalom.lanes.in_process import InProcessLanes
from tests.cluster.workers import Obedient, told

ROOT = Path(__file__).parents[2]


class Dying(InProcessLanes):
    """Ends its process as Ray does where its head is gone."""

    def collect(self, timeout):
        if self._turns:
            line = b"[2026-11-29 02:14:55,483 E 15817 16110] rpc_client.h:204: Failed to connect within 60 seconds.\n"
            os.write(2, line)
            os._exit(1)
        return super().collect(timeout)


class Refusing(InProcessLanes):
    def __init__(self, factory):
        print("said while the lanes are made")
        raise InputError("resources: no such node")


def started(kind=InProcessLanes):
    lanes = ApartLanes(partial(kind, Obedient), "Ray")
    assert len(lanes.collect(0.1)) == 1
    return lanes


def alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_process_that_ends_itself_is_told_with_its_last_line(capfd):
    lanes = started(Dying)
    lanes.send(0, told("answer"))
    with pytest.raises(Infrastructure) as caught:
        lanes.collect(1.0)
    lanes.close()
    assert str(caught.value) == (
        "Ray is gone, and has ended the process that was connected to it (Failed to connect within 60 seconds.): the "
        "same command goes on once it is there again"
    )
    assert capfd.readouterr() == ("", "")


def test_a_process_that_is_killed_is_told_by_every_call_with_an_answer():
    lanes = started()
    os.kill(lanes.process, signal.SIGKILL)
    for _ in range(2):
        lanes.send(0, told("answer"))
        with pytest.raises(Infrastructure, match=r"Ray is gone, .* \(exit code -9\)"):
            lanes.collect(1.0)
    lanes.close()
    lanes.close()


def test_what_a_call_without_an_answer_raises_is_raised_by_the_next_one():
    lanes = started()
    lanes.release(7)
    with pytest.raises(KeyError, match="7") as caught:
        lanes.collect(1.0)
    assert "apart_process.py" in str(caught.value.__cause__)
    lanes.close()


def test_what_cannot_be_made_leaves_no_process_and_what_it_says_is_no_answer(capfd):
    with pytest.raises(InputError, match="no such node"):
        ApartLanes(partial(Refusing, Obedient), "Ray")
    out, err = capfd.readouterr()
    assert (out, err) == ("", "said while the lanes are made\n")


def test_one_that_does_not_answer_ends_the_study_and_is_killed(monkeypatch):
    monkeypatch.setattr(apart, "PATIENCE_SECONDS", 1)
    monkeypatch.setattr(apart, "CLOSE_SECONDS", 0.5)
    lanes = started()
    process = lanes.process
    os.kill(process, signal.SIGSTOP)
    with pytest.raises(Infrastructure, match="Ray has not answered for 2 s"):
        lanes.collect(1.0)
    began = time.monotonic()
    lanes.close()
    assert time.monotonic() - began < 20
    assert not alive(process)


def test_a_ctrl_c_while_an_answer_is_waited_for_is_heard_at_once_and_closes_all():
    lanes = started()
    process = lanes.process
    lanes.send(0, told("sleep", 60_000))
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    with pytest.raises(KeyboardInterrupt):
        lanes.collect(100.0)
    began = time.monotonic()
    lanes.close()
    assert time.monotonic() - began < 4 * apart.CLOSE_SECONDS
    assert not alive(process)


PARENT = """
import os, sys, time
from tests.lanes.test_apart import started, told

lanes = started()
lanes.send(0, told("sleep", 60_000))
print(lanes.process, flush=True)
time.sleep(100)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the process ends after its call")
def test_a_process_whose_parent_is_killed_ends_though_it_is_busy():
    command = [sys.executable, "-c", PARENT]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        process = int(parent.stdout.readline())
        assert alive(process)
        parent.kill()
    end = time.monotonic() + 40
    while alive(process):
        assert time.monotonic() < end
        time.sleep(0.05)
