"""What is wrong is told in a line, in time, with the right exit code, and before anything is started."""

import socket
import time

import pytest

from tests.cli.studies import SMALL, slalom

WRONG = {
    "unknown optimizer": ("optimizer: adam", "optimizer: adm", ":10:", "did you mean 'adam'"),
    "low above high": ("[1e-3, 1.0]", "[1.0, 1e-3]", ":7:", "low=1.0, high=0.001"),
    "log of zero": ("[1e-3, 1.0]", "[0.0, 1.0]", ":7:", "0"),
    "too few seeds": ("seeds: 6", "seeds: 5", ":12:", "5"),
    "no such baseline": ("baseline: sgd", "baseline: sdg", ":13:", "sgd"),
    "unknown key": ("tune:", "tuen:", ":11:", "tune"),
    "wrong type": ("epochs: 4", "epochs: four", ":5:", "four"),
    "unknown task": ("task: digits", "task: digit", ":3:", "digits"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_study_file(name, tmp_path):
    old, new, place, told = WRONG[name]
    (tmp_path / "wrong.yaml").write_text(SMALL.replace(old, new))
    for command in ("check", "run"):
        done = slalom(command, "wrong.yaml", cwd=tmp_path)
        assert done.returncode == 2
        assert f"slalom: wrong.yaml{place}" in done.stderr
        assert told in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.yaml"]


def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--ray", "127.0.0.1:{port}"),
        ("--storage", "postgresql+psycopg2://me:secret@127.0.0.1:{port}/optuna"),
        ("--tracking-uri", "http://me:secret@127.0.0.1:{port}"),
    ],
)
def test_what_does_not_answer(option, value, tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    began = time.monotonic()
    done = slalom("run", "small.yaml", option, value.format(port=closed_port()), cwd=tmp_path)
    assert time.monotonic() - began < 15
    assert done.returncode == 3
    assert "does not answer" in done.stderr
    assert option in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "digits-optimizer"], "did you mean 'digits-optimizers'"),
        (["run", "missing.yaml"], "there is no such file"),
        (["show", "digits-optimizers"], "`slalom run` starts it"),
        (["run", "digits-optimizers", "--ray", "nonsense"], "host:port"),
    ],
)
def test_what_is_not_there(arguments, told, tmp_path):
    done = slalom(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr


def test_check_starts_nothing(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    done = slalom("check", "small.yaml", cwd=tmp_path)
    assert "4 tuning trials and 6 confirm seeds an arm, 20 trials in all" in done.stdout
    assert "fingerprint " in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["small.yaml"]


def test_help_is_quick(tmp_path):
    seconds = []
    for _ in range(5):
        began = time.monotonic()
        assert "COMMAND" in slalom("--help", cwd=tmp_path).stdout
        seconds.append(time.monotonic() - began)
    assert min(seconds) < 0.4
