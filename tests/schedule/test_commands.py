"""`slalom schedule`, `serve` and `status`: a real study, asked for, served, watched and measured."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time

import pytest

from slalom.home import Home
from slalom.regression.baseline import Baseline, PinnedArm
from slalom.regression.replicates import Replicates
from slalom.schedule.store import open_store
from slalom.schedule.values import RunOutcome
from slalom.status.reader import StatusReader
from tests.cli.studies import SEARCHES, SMALL, TRIALS, await_that, ended, here, slalom, start
from tests.status.test_prometheus import get, samples
from tests.support.held import Hold
from tests.support.patience import written

ALL = 2 * SEARCHES * sum(TRIALS.values())
DONE = ALL - 2 * SEARCHES * TRIALS["pick"]
"""Trials of the small study, planned and done: halving leaves one of four, which is picked without further seeds."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL.replace("epochs: 4", "epochs: 60"))
    return tmp_path


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def add(*options):
    return here("schedule", "add", "small.yaml", "--command", "run", *options)


@pytest.mark.timeout(3600)
def test_a_schedule_is_served_while_its_study_is_watched(folder):
    hold = Hold(folder, seconds=0.05)  # long enough to be watched
    longer = SMALL.replace("epochs: 4", "epochs: 9")
    (folder / "small.yaml").write_text(f"{longer}metric: {json.dumps(hold.metric)}\n")
    assert add("--name", "nightly", "--cron", "0 3 1 1 *").returncode == 0
    assert here("schedule", "run-now", "nightly").stderr.startswith("nightly: runs when a server is up")
    port = free_port()
    server = start("serve", "--metrics-port", str(port), cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        seen = watched(folder, port)
        hold.let_go()
        store = open_store(f"sqlite:///{folder}/slalom-home/optuna.db", "home")
        await_that(lambda: store.last_runs(1)[0].outcome, 100, lambda: written(folder))
        server.send_signal(signal.SIGTERM)
        assert ended(server) == 0
    finally:
        server.kill()
        said = server.communicate()[1]
    assert store.last_runs(1)[0].outcome is RunOutcome.OK
    assert "nightly: started, asked" in said
    assert "nightly: ok, exit code 0" in said
    (study,) = seen["studies"]
    assert (study["study"], study["state"]) == ("small", "running")
    assert DONE <= study["budget"] <= ALL
    assert study["lanes"] >= 1
    assert 0 < study["training"] + study["done"] <= ALL
    assert (seen["server"]["up"], seen["schedules"][0]["last"]["reason"]) == (True, "asked")
    after = json.loads(here("status", "--json").stdout)
    (study,) = after["studies"]
    assert (study["state"], study["done"], study["failed"], study["lanes"]) == ("complete", DONE, 0, 0)
    assert study["trials_per_second"] > 0
    assert after["server"]["up"] is False
    shown = here("status").stdout
    assert f"{DONE} / {DONE}" in shown
    assert "no server is up" in shown
    assert "Verdict:" in next((folder / "slalom-home" / "logs").glob("nightly-*.log")).read_text()


def watched(folder, port):
    """How things stand when the study runs: what another process says, and what Prometheus would read."""
    reader = StatusReader(Home(folder / "slalom-home"))
    await_that(lambda: any(study.training for study in reader.read(time.time()).studies), 100, lambda: written(folder))
    told = slalom("status", "--json", cwd=folder)
    assert (told.returncode, told.stderr) == (0, "")
    code, text = get(port, "/metrics")
    assert code == 200
    found = samples(text)
    assert found["slalom_server_leads",] == found["slalom_schedule_running", "nightly"] == 1
    assert DONE <= found["slalom_study_budget", "small", reader.read(0).studies[0].fingerprint] <= ALL
    assert get(port, "/healthz") == (200, "ok\n")
    return json.loads(told.stdout)


def test_add_list_remove(folder):
    done = add("--cron", "30 2 * * MON-FRI", "--timezone", "Europe/Berlin", "--time-limit", "1h30m")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("small: next at 20")
    (listed,) = json.loads(here("schedule", "list", "--json").stdout)
    assert listed.pop("due") > time.time()
    assert listed == {
        "name": "small",
        "study": str(folder / "small.yaml"),
        "command": "run",
        "arguments": "",
        "cron": "30 2 * * MON-FRI",
        "timezone": "Europe/Berlin",
        "time_limit": 5400,
        "asked": None,
        "last": None,
    }
    head, row = here("schedule", "list").stdout.splitlines()
    assert head.split() == ["name", "command", "cron", "next", "last"]
    assert row.startswith("small  run      30 2 * * MON-FRI  20")
    assert row.endswith("never run")
    assert here("schedule", "remove", "small").returncode == 0
    assert json.loads(here("schedule", "list", "--json").stdout) == []


def test_a_regression_is_scheduled_where_it_has_a_baseline(folder):
    (folder / "old.json").write_text(json.dumps({"format": 1}))
    command = ("schedule", "add", "small.yaml", "--cron", "0 3 * * *")
    missing = (
        "there is no baseline small.baseline.json: `slalom baseline set STUDY` makes one; or schedule the study itself"
    )
    for further, message in (
        ((), missing),
        (("--arguments", "--margin cost=9 --baseline=none.json"), "there is no baseline none.json"),
        (("--arguments", "--baseline old.json"), "old.json: format must be 2, got 1"),
    ):
        done = here(*command, *further)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
    assert not (folder / "slalom-home").exists()
    pinned = PinnedArm("sgd", ({},), 0.1, Replicates((0.1,), (4,), ("a",)))
    nothing = {"versions": {}, "settings": {}, "text": ""}
    baseline = Baseline("small", "f", 0, "d", "error", "minimize", "cpu", arms=(pinned,), **nothing)
    baseline.write(folder / "small.baseline.json")
    baseline.write(folder / "new.json")
    assert here(*command).returncode == 0
    assert here(*command, "--name", "other", "--arguments", "--baseline new.json").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "small.yaml", "--cron", "0 3 * *"), "--cron: minute, hour"),
        (("add", "small.yaml", "--cron", "0 3 * * *", "--timezone", "Berlin"), "--timezone: a name of the IANA"),
        (("add", "small.yaml", "--cron", "0 3 * * *", "--time-limit", "2 hours"), "more than none, but got '2 hours'"),
        (("add", "small.yaml", "--cron", "0 3 * * *", "--time-limit", "0h"), "more than none, but got '0h'"),
        (("add", "small.yaml", "--cron", "0 3 * * *", "--name", "a/b"), "--name: letters"),
        (("add", "other.yaml", "--cron", "0 3 * * *"), "other.yaml: there is no such file"),
        (("add", "small.yaml", "--cron", "0 3 * * *", "--arguments", "'x"), "--arguments"),
        (("add", "small.yaml", "--cron", "0 3 * * *", "--arguments=--webhook=http://h/x"), "set SLALOM_WEBHOOK"),
        (("add", "small.yaml", "--cron", "0 3 * * *", "--arguments=--storage x://y"), "set SLALOM_STORAGE"),
        (("add", "small.yaml", "--cron", "0 3 * * *", "--arguments=--webh=http://h/x"), "set SLALOM_WEBHOOK"),
        (("add", "small.yaml", "--cron", "0 3 * * *", "--arguments=--stor x://y"), "set SLALOM_STORAGE"),
        (("add", "small.yaml", "--cron", "0 3 * * *", "--arguments=--t x://y"), "set SLALOM_TRACKING_URI"),
        (("add", "small.yaml", "--cron", "0 3 * * *", "--arguments=--webhok=http://h/x"), "arguments: --webhok=***"),
        (("add", "small.yaml", "--cron", "0 3 * * *", "--arguments=--max-s 3"), "unrecognized arguments: --max-s 3"),
        (("add", "small.yaml", "--cron", "0 3 * * *", "--arguments=--margin x"), "the form METRIC=VALUE, but got 'x'"),
        (("add", "small.yaml", "--cron", "0 3 * * *", "--arguments=-h"), "--arguments: nobody reads the help"),
        (("add", "small.yaml", "--cr", "0 3 * * *"), "the following arguments are required: --cron"),
    ],
)
def test_wrong_input_is_refused_and_leaves_nothing(folder, arguments, message):
    done = here("schedule", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "//h/x" not in done.stderr
    assert [path.name for path in folder.iterdir()] == ["small.yaml"]


def test_several_at_once_need_a_database_and_a_server(folder):
    done = here("serve", "--jobs", "2")
    assert done.returncode == 2
    assert "--jobs: runs at once need --storage and --tracking-uri" in done.stderr
    assert not (folder / "slalom-home").exists()


def test_to_look_makes_nothing(folder):
    done = here("status", "--home", "nowhere")
    assert (done.returncode, done.stdout) == (0, f"nothing is in sqlite:///{folder}/nowhere/optuna.db yet\n")
    assert json.loads(here("status", "--home", "nowhere", "--json").stdout)["studies"] == []
    assert json.loads(here("schedule", "list", "--home", "nowhere", "--json").stdout) == []
    assert [path.name for path in folder.iterdir()] == ["small.yaml"]


def test_a_storage_that_is_not_there_is_told():
    done = here("status", "--storage", "postgresql://me:secret@127.0.0.1:1/x")
    assert done.returncode == 3
    assert "postgresql+psycopg2://me:***@127.0.0.1:1/x does not answer" in done.stderr
