"""Where KeyboardInterrupt is raised when a process is told to stop."""

import logging
import os
import signal
import subprocess
import sys
import time

import pytest

from slalom.cli import stop as module
from slalom.cli.stop import Stop
from tests.cli.studies import SIGNALS


@pytest.fixture(autouse=True)
def handlers():
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def stop():
    stop = Stop()
    stop.listen()
    return stop


def tell(number):
    """The process is told, and has had time to hear it."""
    os.kill(os.getpid(), number)
    time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_outside_of_a_loop_at_once(stop, number):
    with pytest.raises(KeyboardInterrupt):
        tell(number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_loop_after_its_turn(stop, number):
    seen = []

    def loop():
        with stop.between_turns(seen.append) as turn:
            turn(1)
            tell(number)
            seen.append("the turn goes on")
            turn(2)

    with pytest.raises(KeyboardInterrupt):
        loop()
    assert seen == [1, "the turn goes on", 2]


def test_a_loop_that_is_told_twice_at_once(stop):
    seen = []

    def loop():
        with stop.between_turns(seen.append) as turn:
            turn(1)
            tell(signal.SIGINT)
            seen.append("first")
            tell(signal.SIGINT)
            seen.append("second")

    with pytest.raises(KeyboardInterrupt):
        loop()
    assert seen == [1, "first"]


def test_a_turn_that_takes_long_is_broken_off(stop, monkeypatch):
    monkeypatch.setattr(module, "TURN_SECONDS", 0.2)
    seen = []

    def loop():
        with stop.between_turns(seen.append) as turn:
            turn(1)
            tell(signal.SIGINT)
            seen.append("the turn goes on")
            time.sleep(30)
            seen.append("for too long")

    with pytest.raises(KeyboardInterrupt):
        loop()
    assert seen == [1, "the turn goes on"]


def test_a_turn_that_may_take_its_time_does(stop, monkeypatch):
    monkeypatch.setattr(module, "TURN_SECONDS", 0.1)
    seen = []

    def loop():
        with stop.between_turns(seen.append, None) as turn:
            turn(1)
            tell(signal.SIGINT)
            time.sleep(0.5)
            turn(2)

    with pytest.raises(KeyboardInterrupt):
        loop()
    assert seen == [1, 2]


def test_a_loop_that_ends_in_time_is_not_ended_by_force(stop):
    def loop():
        with stop.between_turns(lambda _: None, 0.2) as turn:
            turn(1)
            tell(signal.SIGINT)
            turn(2)

    with pytest.raises(KeyboardInterrupt):
        loop()
    time.sleep(0.5)


HANGING = """
import os, signal, time
from slalom.cli import stop as module
from slalom.cli.stop import Stop

stop = Stop()
stop.listen()
with stop.between_turns(lambda _: None, 1.0) as turn:
    turn(1)
    os.kill(os.getpid(), signal.SIGTERM)
    while True:
        try:
            time.sleep(100)
        except KeyboardInterrupt:
            pass
"""


def test_what_hears_nothing_is_ended_by_force():
    done = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=240, check=False)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "slalom: stopped; what had ended is kept; the same command goes on\n"


def test_a_word_that_got_lost_before_the_loop_is_heard_by_its_first_turn(stop):
    with pytest.raises(KeyboardInterrupt):
        tell(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), stop.between_turns(lambda _: None) as turn:
        turn(1)


def test_not_within_an_import(stop, tmp_path, monkeypatch):
    (tmp_path / "slow_to_load.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(0.1)\ndone = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def load():
        import slow_to_load  # noqa: F401

        time.sleep(1)

    with pytest.raises(KeyboardInterrupt):
        load()
    assert sys.modules["slow_to_load"].done


def test_not_while_the_logging_is_locked(stop):
    seen = []

    class Handler(logging.Handler):
        def emit(self, record):
            tell(signal.SIGINT)
            seen.append(record.getMessage())

    logger = logging.Logger("slalom.test")
    logger.addHandler(Handler())

    def log():
        logger.error("said to the end")
        time.sleep(1)

    with pytest.raises(KeyboardInterrupt):
        log()
    assert seen == ["said to the end"]


def test_ctrl_c_that_is_ignored_stays_so(handlers):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Stop().listen()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
