"""The commands on a real study: one run over a local Ray, looked at in every way."""

import json
import signal
import subprocess
import time
from contextlib import closing
from sqlite3 import connect

import slalom as package
from tests.cli.studies import COMMAND, SMALL, slalom

KEYS = {"study", "fingerprint", "state", "home", "storage", "tracking_uri", "arms", "verdict", "throughput"}


def count(file, table):
    with closing(connect(file)) as database:
        return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def contents(home):
    """How much there is: trials, runs, metrics, artifacts."""
    files = sum(path.is_file() for path in (home / "artifacts").rglob("*"))
    runs = [count(home / "mlflow.db", table) for table in ("runs", "metrics", "params", "tags")]
    return count(home / "optuna.db", "trials"), runs, files


def test_run_prints_one_object_and_again_the_same_at_once(finished):
    folder, ran = finished
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert set(found) >= KEYS
    assert found["state"] == "complete"
    assert [arm["tuning"]["trials"] for arm in found["arms"]] == [4, 4]
    assert [arm["confirm"]["seeds"] for arm in found["arms"]] == [6, 6]
    assert found["verdict"]["sentence"]
    before, began = contents(folder / "home"), time.monotonic()
    again = slalom("run", "small.yaml", "--home", "home", "--json", cwd=folder)
    assert time.monotonic() - began < 20
    assert again.stdout == ran.stdout
    assert contents(folder / "home") == before
    shown = slalom("show", "small.yaml", "--home", "home", "--json", cwd=folder)
    assert shown.stdout == ran.stdout


def test_nothing_but_the_answer_is_printed(finished):
    folder, ran = finished
    assert "Warning" not in ran.stderr
    assert "INFO" not in ran.stderr
    table = slalom("show", "small.yaml", "--home", "home", cwd=folder)
    assert "Verdict: " in table.stdout
    assert "sgd" in table.stdout
    assert table.stderr == ""


def test_export_has_every_trial(finished):
    folder, _ = finished
    trials = json.loads(slalom("export", "small.yaml", "--home", "home", cwd=folder).stdout)
    assert len(trials) == 2 * (4 + 6)
    fields = {"arm", "number", "phase", "seed", "attempt", "outcome", "params", "metrics", "history"}
    assert all(fields <= set(trial) for trial in trials)
    seeds = {arm: [t["seed"] for t in trials if (t["arm"], t["phase"]) == (arm, "confirm")] for arm in ("sgd", "adam")}
    assert seeds["sgd"] == seeds["adam"]
    done = slalom("export", "small.yaml", "--home", "home", "--format", "csv", "-o", "trials.csv", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "")
    assert len((folder / "trials.csv").read_text().splitlines()) == 1 + len(trials)


def test_python_gives_the_same_numbers(finished):
    folder, ran = finished
    result = package.show(folder / "small.yaml", folder / "home")
    assert result.as_json()["arms"] == json.loads(ran.stdout)["arms"]
    assert len(result.trials()) == 20
    again = package.run(folder / "small.yaml", folder / "home")
    assert again.verdict == result.verdict
    assert package.run(folder / "small.yaml", folder / "home").summary == again.summary


def test_ctrl_c_keeps_what_ended_and_the_same_command_goes_on(tmp_path, finished):
    (tmp_path / "small.yaml").write_text(SMALL.replace("epochs: 4", "epochs: 400"))
    command = [*COMMAND, "run", "small.yaml", "--home", "home", "--json"]
    restore = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=restore
    ) as running:
        deadline = time.monotonic() + 100
        while time.monotonic() < deadline and not _has_trials(tmp_path / "home" / "optuna.db"):
            time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert "go on with: slalom run small.yaml --home home --json" in told
    assert "Traceback" not in told
    shown = json.loads(slalom("show", "small.yaml", "--home", "home", "--json", cwd=tmp_path).stdout)
    assert shown["state"] == "interrupted"


def _has_trials(file):
    if not file.exists():
        return False
    with closing(connect(file)) as database:
        tables = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'trials'").fetchone()[0]
        return bool(tables) and database.execute("SELECT count(*) FROM trials").fetchone()[0] > 0
