"""An exception that nobody foresaw is told with its traceback, and with an exit code that is no answer."""

import shlex
import subprocess

import pytest

from slalom import api
from slalom.cli import drive
from tests.cli.studies import COMMAND, here, slalom

ODD = """\
class Odd(BaseException):
    pass


class Task:
    def load(self):
        raise Odd("not foreseen")
"""

COMMANDS = {
    "run": ("run", "small.yaml"),
    "check": ("check", "small.yaml"),
    "show": ("show", "small.yaml"),
    "export": ("export", "small.yaml"),
    "baseline": ("baseline", "set", "small.yaml"),
    "regress": ("regress", "small.yaml", "--exit-code", "10"),
    "schedule": ("schedule", "add", "small.yaml", "--cron", "0 3 * * *"),
}


class Odd(BaseException):
    pass


@pytest.fixture(params=[Odd, SystemExit, ValueError, BrokenPipeError, ConnectionResetError])
def raised(request, monkeypatch):
    """What the reading of a study raises, though it never should."""

    def load(_):
        raise request.param(1)

    monkeypatch.setattr(api, "load", load)
    return request.param


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_ends_with_70_and_a_traceback(command, empty, raised, capfd):
    done = here(*COMMANDS[command])
    told = done.stderr + capfd.readouterr().err
    assert (done.returncode, done.stdout) == (70, "")
    assert "Traceback (most recent call last):" in told
    assert f"{raised.__name__}" in told


def test_what_runs_on_the_cluster_does_so_too(empty, monkeypatch, capfd):
    def read(_):
        raise Odd

    monkeypatch.setattr(drive.submission, "read", read)
    monkeypatch.setattr(drive.Stop, "listen", lambda _: None)
    assert drive.main() == 70
    assert "test_crashes.Odd" in capfd.readouterr().err


def test_who_reads_no_further_is_no_crash(empty):
    command = shlex.join(COMMAND)
    done = subprocess.run(["bash", "-c", f"{command} schema | true; echo ${{PIPESTATUS[0]}}"], capture_output=True)
    assert (done.stdout, done.stderr) == (b"0\n", b"")


@pytest.mark.parametrize("command", ["run", "regress"])
def test_the_process_itself_ends_so_when_a_task_raises_something_odd(command, empty):
    (empty / "odd.py").write_text(ODD)
    study = empty / "small.yaml"
    study.write_text(study.read_text().replace("task: digits", "task: odd.py:Task"))
    done = slalom(command, "small.yaml", cwd=empty)
    assert done.returncode == 70
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert done.stderr.endswith(".Odd: not foreseen\n")


def test_help_and_wrong_options_are_no_crash(empty):
    assert [here(*words).returncode for words in (["--help"], ["run", "--help"], ["run"], ["rum"])] == [0, 0, 2, 2]
