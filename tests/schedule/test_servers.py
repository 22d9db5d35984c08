"""Servers as processes: a signal ends them and their children, a death is followed by another."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from slalom.schedule.cron import Cron
from slalom.schedule.store import open_store
from slalom.schedule.tables import METADATA
from slalom.schedule.values import Reason, RunOutcome, StudySchedule
from tests.cli.studies import await_that, ended

HERE = Path(__file__).parent


@contextmanager
def fake_server(url, logs):
    process = subprocess.Popen([sys.executable, HERE / "fake_server.py", url, logs], stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def overdue(store, **options):
    """A schedule whose time has come, and will not again."""
    store.add(StudySchedule("nightly", "nightly", "run", Cron("0 0 1 1 *"), time.time() - 1, **options))


def children(server):
    """The process ids of what a server has started and that goes on."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, state, parent = stat.read_text().rpartition(") ")[0], *stat.read_text().rpartition(") ")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == server.pid and state != "Z":
            found.append(int(stat.parent.name))
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[0] != "Z"
    except OSError:
        return False


def outcomes(store):
    return [run.outcome for run in reversed(store.last_runs(10))]


@pytest.fixture
def sqlite(tmp_path):
    return f"sqlite:///{tmp_path / 'home' / 'optuna.db'}"


@pytest.fixture
def database(postgres):
    """The server's address; what is written there is gone afterwards."""
    yield postgres.url
    METADATA.drop_all(create_engine(postgres.url, poolclass=NullPool))


def sleeping(logs, number=1):
    """Whether so many runs are under way."""
    return lambda: sum("sleeps" in log.read_text() for log in logs.glob("*.log")) == number


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_server_and_its_child(sqlite, tmp_path, number):
    store, logs = open_store(sqlite, "home"), tmp_path / "logs"
    overdue(store)
    with fake_server(sqlite, logs) as server:
        await_that(sleeping(logs), 30)
        (child,) = children(server)
        server.send_signal(number)
        assert ended(server, 30) == 0
        assert not alive(child)
    assert outcomes(store) == [RunOutcome.STOPPED]
    assert store.lease().expires <= time.time()
    assert "KeyboardInterrupt" in next(logs.glob("*.log")).read_text()


def test_a_time_limit_ends_the_child(sqlite, tmp_path):
    store, logs = open_store(sqlite, "home"), tmp_path / "logs"
    overdue(store, time_limit=0.5)
    with fake_server(sqlite, logs):
        await_that(lambda: outcomes(store) == [RunOutcome.TIME_LIMIT], 30)
    assert store.last_runs(1)[0].exit_code == 124


def test_the_second_of_two_servers_takes_over_when_the_first_is_killed(database, tmp_path):
    store, logs = open_store(database, "the database"), tmp_path / "logs"
    overdue(store)
    with fake_server(database, logs) as first:
        await_that(sleeping(logs), 30)
        leader = store.lease().server
        with fake_server(database, logs) as second:
            time.sleep(2)  # longer than the lease
            assert (store.lease().server, len(children(second))) == (leader, 0)
            (child,) = children(first)
            first.kill()
            await_that(lambda: not alive(child), 10)
            await_that(lambda: outcomes(store)[-1] is RunOutcome.OK, 30)
            assert store.lease().server == store.last_runs(1)[0].server != leader
    lost, again = reversed(store.last_runs(10))
    assert (lost.outcome, lost.server, again.reason) == (RunOutcome.LOST, leader, Reason.AGAIN)
    assert "done" in (logs / next(log.name for log in logs.iterdir() if log.stem.endswith("-2"))).read_text()


@pytest.mark.thorough
def test_tables_are_made_once_by_whoever_comes_first(sqlite):
    """Many at a time."""
    code = f"from slalom.schedule.store import open_store; print(open_store({sqlite!r}, 'home').there)"
    processes = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate()[0].strip() for process in processes] == ["True"] * 4
