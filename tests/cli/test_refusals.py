"""What is wrong is told in a line, in time, with the right exit code, and before anything is started."""

import re
import socket
import time

import pytest

from slalom import load, wiring
from slalom.home import Home
from tests.cli.studies import SMALL, here, slalom

# what is replaced in the study, by what, where the message points, and words that it holds
WRONG = {
    "unknown optimizer": ("adam}", "adm}", "10:21", ["optimizer 'adm' is unknown", "did you mean 'adam'?"]),
    "low above high": ("[1e-3, 1.0]", "[1.0, 1e-3]", "7:24", ["low < high must hold", "low=1.0, high=0.001"]),
    "logarithm of zero": ("[1e-3, 1.0]", "[0.0, 1.0]", "7:25", ["above 0", "got 0.0"]),
    "too few seeds": ("seeds: 2", "seeds: 0", "12:18", ["seeds must be a whole number in [1, 10000]", "got 0"]),
    "no such baseline": ("baseline: sgd", "baseline: sdg", "13:21", ["'sdg'", "did you mean 'sgd'?"]),
    "unknown key": ("tune:", "tuen:", "11:1", ["unknown key 'tuen'", "did you mean 'tune'?"]),
    "missing key": ("task: digits\n", "", "1:1", ["needs 'task'"]),
    "wrong type": ("epochs: 4", "epochs: four", "5:20", ["epochs must be a whole number", "got 'four'"]),
    "unknown task": ("task: digits", "task: digit", "3:7", ["task 'digit' is unknown", "did you mean 'digits'?"]),
    "no YAML": ("[8]}", "[8}", "4:30", ["this is not YAML 1.2"]),
    "own task that is not there": ("task: digits", "task: cats.py:Cats", "3:7", ["cats.py", "no such file"]),
}


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_study_file(name, command, empty):
    old, new, place, words = WRONG[name]
    (empty / "small.yaml").write_text(SMALL.replace(old, new))
    done = here(command, "small.yaml")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"slalom: small.yaml:{place}: ")
    assert [word for word in words if word.lower() not in done.stderr.lower()] == []
    assert done.stderr.count("\n") == 1
    assert [path.name for path in empty.iterdir()] == ["small.yaml"]


def test_the_process_itself_says_so_in_a_line(empty):
    (empty / "small.yaml").write_text(SMALL.replace("tune:", "tuen:"))
    done = slalom("run", "small.yaml", cwd=empty)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert [path.name for path in empty.iterdir()] == ["small.yaml"]


def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--ray", "127.0.0.1:{port}"),
        ("--ray", "ray://127.0.0.1:{port}"),
        ("--storage", "postgresql://me:secret@127.0.0.1:{port}/optuna"),
        ("--storage", "postgresql+psycopg2://me:s%2Fecret@127.0.0.1:{port}/optuna"),
        ("--storage", "postgresql://127.0.0.1:{port}/optuna?user=me&password=secret"),
        ("--storage", "sqlite:///{file}/below/optuna.db"),
        ("--tracking-uri", "http://127.0.0.1:{port}"),
        ("--tracking-uri", "http://me:secret@127.0.0.1:{port}"),
        ("--tracking-uri", "postgresql://me:secret@127.0.0.1:{port}/mlflow"),
        ("--tracking-uri", "sqlite:///{file}/below/mlflow.db"),
    ],
)
def test_what_does_not_answer(option, value, empty):
    place = value.format(port=closed_port(), file=empty / "small.yaml")
    began = time.monotonic()
    done = here("run", "small.yaml", option, place)
    assert time.monotonic() - began < 60
    assert done.returncode == 3
    assert "does not answer" in done.stderr or "cannot be used" in done.stderr
    assert option in done.stderr
    assert "ecret" not in done.stderr
    assert done.stdout == ""
    shown = here("show", "small.yaml")
    assert shown.returncode == 2
    assert "nothing of small is in" in shown.stderr


def test_the_process_itself_gives_up_in_time(empty):
    began = time.monotonic()
    done = slalom("run", "small.yaml", "--storage", f"postgresql://me:secret@127.0.0.1:{closed_port()}/db", cwd=empty)
    assert time.monotonic() - began < 60
    assert done.returncode == 3
    assert re.fullmatch(r"slalom: the Optuna storage postgresql\S*://me:\*\*\*@.* does not answer: .*\n", done.stderr)


def test_a_study_that_is_run_from_another_home_is_refused(empty):
    storage = f"sqlite:///{empty}/shared.db"
    with wiring.store(load("small.yaml"), Home(empty / "a", storage)).held("the first home"):
        done = here("run", "small.yaml", "--home", "b", "--storage", storage)
    assert (done.returncode, done.stdout) == (2, "")
    told = r"slalom: small/\w{12} is being run already, by process \d+ on \S+, with the home the first home, since "
    assert re.match(told, done.stderr)
    assert not (empty / "b" / "mlflow.db").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "digits-optimizer"], "did you mean 'digits-optimizers'"),
        (["run", "missing.yaml"], "there is no such file"),
        (["run", "small.yaml", "--home", "small.yaml"], "--home: must be a folder, but small.yaml is a file"),
        (["run", "small.yaml", "--home", "small.yaml/home"], "--home: cannot write to small.yaml/home"),
        (["run", "small.yaml", "--ray", "nonsense"], "host:port"),
        (
            ["run", "small.yaml", "--storage", "nonsense"],
            "--storage: an Optuna storage is a URL such as sqlite:///FILE",
        ),
        (["run", "small.yaml", "--storage", "sqlight:///o.db"], "did you mean 'sqlite'?"),
        (["run", "small.yaml", "--storage", "redis://:secret@host/0"], "begins with redis:// (one of: mysql, "),
        (["run", "small.yaml", "--storage", "sqlite://"], "names a file"),
        (["run", "small.yaml", "--tracking-uri", "mlruns"], "--tracking-uri: an MLflow tracking URI is a URL such as"),
        (["run", "small.yaml", "--tracking-uri", "htp://host"], "did you mean 'http'?"),
        (["run", "small.yaml", "--epochs", "3"], "unrecognized arguments: --epochs 3"),
        (["--home", "here", "run", "small.yaml"], "the command comes first, and its options after it"),
        (["run"], "STUDY"),
        ([], "COMMAND"),
        (["rum", "small.yaml"], "invalid choice: 'rum'"),
        (["show", "small.yaml"], "`slalom run` starts it"),
        (["export", "small.yaml"], "`slalom run` starts it"),
        (["export", "small.yaml", "--format", "xml"], "invalid choice: 'xml'"),
        (["ui"], "no records are in slalom-home: `slalom run` makes some"),
        (["ui", "--tracking-uri", "http://127.0.0.1:1"], "open http://127.0.0.1:1 in a browser"),
        (["ui", "--port", "99999"], "a port is a whole number from 1 to 65535"),
    ],
)
def test_what_is_not_there(arguments, told, empty):
    done = here(*arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert "secret" not in done.stderr
    assert [path.name for path in empty.iterdir()] == ["small.yaml"]


def test_a_port_that_is_taken(finished):
    folder, _ = finished
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = here("ui", "--home", folder / "home", "--port", port)
    assert done.returncode == 2
    assert f"cannot listen at 127.0.0.1:{port}: Address already in use" in done.stderr


def test_an_output_file_that_cannot_be_written(finished):
    folder, _ = finished
    done = here("export", folder / "small.yaml", "--home", folder / "home", "-o", folder / "gone" / "trials.json")
    assert done.returncode == 2
    assert "--output: cannot write" in done.stderr
