"""How long a local Ray is waited for, by what a busy machine has to give, and what it may leave in the environment."""

from __future__ import annotations

import os

import pytest

from slalom.errors import Infrastructure
from slalom.lanes.on_ray import connection


class FakeRay:
    """Starts after so many tries that fail, each after so many seconds."""

    def __init__(self, failures, seconds):
        self.failures, self.seconds, self.tries, self.now = failures, seconds, 0, 0.0

    def monotonic(self):
        return self.now

    def init(self, **_):
        self.tries += 1
        if self.tries <= self.failures:
            self.now += self.seconds
            raise RuntimeError("The current node timed out during startup.")

    def shutdown(self):
        pass


def tries(monkeypatch, load, failures, seconds=40.0, address="local", least=connection.LOCAL_TRIES):
    """How often it was tried to start; the load is that of a processor."""
    ray = FakeRay(failures, seconds)
    monkeypatch.setattr(connection.time, "monotonic", ray.monotonic)
    monkeypatch.setattr(os, "getloadavg", lambda: (load * (os.cpu_count() or 1), 0, 0))
    try:
        connection._init(ray, least, address=address, namespace="n")
    except Infrastructure:
        return -ray.tries
    return ray.tries


@pytest.mark.parametrize(
    ("load", "failures", "tried"),
    [
        (0.1, 0, 1),
        (0.1, 1, 2),
        (0.1, 9, -2),  # 80 s of an idle machine
        (4, 5, 6),
        (4, 9, -6),  # 240 s of one that gives each process a quarter
    ],
)
def test_a_busy_machine_is_given_more_time(monkeypatch, load, failures, tried):
    assert tries(monkeypatch, load, failures) == tried


def test_what_fails_at_once_is_not_tried_for_ever(monkeypatch):
    assert tries(monkeypatch, 100, 99, seconds=0.1) == -2


def test_a_cluster_is_tried_as_often_on_a_busy_machine(monkeypatch):
    assert tries(monkeypatch, 100, 99, address="ray://there:10001", least=4) == -4


@pytest.mark.parametrize("own", [None, "ipdb.set_trace"])
def test_breakpoints_open_no_debugger_of_rays_afterwards(monkeypatch, own):
    """Ray sets the variable in every process that connects, whatever it was."""
    monkeypatch.delenv("PYTHONBREAKPOINT", raising=False)
    if own is not None:
        monkeypatch.setenv("PYTHONBREAKPOINT", own)
    with connection.own_environment():
        os.environ["PYTHONBREAKPOINT"] = "ray.util.rpdb._driver_set_trace"
    assert os.environ.get("PYTHONBREAKPOINT") == own
