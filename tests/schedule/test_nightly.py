"""A study that `slalom serve` holds against its baseline: well, worse, and in every way in which a run can break.

The commands are those that an operator types. One server does all runs; between them the user's task file is changed.
"""

from __future__ import annotations

import json
import os
import signal
from contextlib import chdir
from subprocess import PIPE
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest
from mlflow import MlflowClient

from slalom import wiring
from slalom.schedule.store import open_store
from slalom.schedule.values import RunOutcome
from tests.cli.studies import await_that, ended, here, start
from tests.schedule.test_commands import free_port
from tests.schedule.test_servers import children
from tests.status.test_prometheus import get, samples
from tests.support.mlflow_tables import database
from tests.support.patience import written

pytestmark = pytest.mark.timeout(3600)
"""Of all nights together: a wait ends by itself where nothing comes on."""

STUDY = """\
name: clouds
question: Does Adam beat plain descent on two clouds that overlap?
task: clouds.py:Clouds
model: {name: mlp, hidden: [4]}
training: {epochs: 4, batch_size: 32}
search:
  learning_rate: {log: [1e-2, 1.0]}
arms:
  sgd: {optimizer: sgd}
  adam: {optimizer: adam}
tune: {trials: 4, generation: 4, searches: 1, pick: none}
confirm: {seeds: 6}
compare: {baseline: sgd}
resources: {lanes: 1, pack_width: 16}
"""

TASK = """\
import asyncio
import os
import time

import numpy as np

from slalom_worker.tasks import Data, Split


class Clouds:
    def load(self):
        random = np.random.default_rng(0)
        train, validation, test = (self.split(random) for _ in range(3))
        return Data(train, validation, test, classes=2)

    def split(self, random):
        labels = np.arange(400) % 2
        inputs = random.normal(0, 1, (400, 2)) + 2 * labels[:, None]
        return Split(inputs.astype(np.float32), labels)
"""

LOADS = "        random = np.random.default_rng(0)\n"
SPLIT = "        return Data(train,"

NIGHTS = {
    "well": (LOADS, LOADS),
    "worse": (SPLIT, f"        train = Split(train.inputs, np.roll(train.labels, 1) & train.labels)\n{SPLIT}"),
    "raised": (LOADS, "        raise asyncio.CancelledError('odd')\n"),
    "left": (LOADS, "        os._exit(1)\n"),  # as Ray's library does where it has lost the cluster's head
    "killed": (LOADS, "        time.sleep(600)\n"),
}
"""What is replaced in the task file for each."""


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """What was on record, and what was told, after each night."""
    folder = tmp_path_factory.mktemp("nightly")
    (folder / "clouds.yaml").write_text(STUDY)
    (folder / "clouds.py").write_text(TASK)
    database(folder / "slalom-home")
    typed(folder, "run", "clouds.yaml")
    typed(folder, "baseline", "set", "clouds.yaml", "--seeds", 20)
    arguments = ("--arguments", "--margin cost=9 --junit night.xml")
    typed(folder, "schedule", "add", "clouds.yaml", "--name", "nightly", "--cron", "0 3 1 1 *", *arguments)
    port = free_port()
    server = start("serve", "--metrics-port", port, cwd=folder, stderr=PIPE, text=True)
    try:
        await_that(lambda: json.loads(typed(folder, "status", "--json"))["server"])
        nights = {name: night(name, folder, server, port) for name in NIGHTS}
        server.send_signal(signal.SIGTERM)
        assert ended(server) == 0
    finally:
        server.kill()
        said = server.communicate()[1]
    return SimpleNamespace(folder=folder, nights=nights, said=said)


def typed(folder, *command):
    """What the command prints; lanes are in this process, those of the server's runs are Ray's."""
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "ray_lanes", lambda spec, address=None: wiring.local_lanes(spec))
        done = here(*command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def night(name, folder, server, port):
    (folder / "clouds.py").write_text(TASK.replace(*NIGHTS[name]))
    (folder / "night.xml").unlink(missing_ok=True)
    store = open_store(f"sqlite:///{folder}/slalom-home/optuna.db", "home")
    before = len(store.last_runs(100))
    typed(folder, "schedule", "run-now", "nightly")
    await_that(lambda: len(store.last_runs(100)) > before)
    during = samples(get(port, "/metrics")[1])
    if name == "killed":
        await_that(lambda: children(server))
        os.kill(*children(server), signal.SIGKILL)
    await_that(lambda: store.last_runs(1)[0].ended, 100, lambda: written(folder))
    report = folder / "night.xml"
    return SimpleNamespace(
        run=store.last_runs(1)[0],
        log=log(folder),
        report=ET.parse(report).getroot()[0].attrib if report.exists() else None,
        status=json.loads(typed(folder, "status", "--json")),
        listed=typed(folder, "schedule", "list"),
        during=during,
        metrics=samples(get(port, "/metrics")[1]),
    )


def log(folder):
    """What the last run has printed."""
    return max((folder / "slalom-home" / "logs").iterdir()).read_text()


@pytest.mark.parametrize(
    ("name", "outcome", "code"),
    [
        ("well", RunOutcome.OK, 0),
        ("worse", RunOutcome.REGRESSED, 10),
        ("raised", RunOutcome.FAILED, 70),
        ("left", RunOutcome.DIED, 1),
        ("killed", RunOutcome.DIED, -signal.SIGKILL),
    ],
)
def test_what_came_of_a_night_is_told_everywhere(story, name, outcome, code):
    night = story.nights[name]
    assert (night.run.outcome, night.run.exit_code, night.run.reason) == (outcome, code, "asked")
    last = night.status["schedules"][0]["last"]
    assert last == night.status["runs"][0]
    assert (last["outcome"], last["exit_code"]) == (outcome, code)
    assert night.metrics["slalom_schedule_last_exit_code", "nightly"] == code
    assert night.metrics["slalom_schedule_running", "nightly"] == 0
    assert f"  {outcome}, started " in night.listed
    assert f" nightly: {outcome}, exit code {code}, after " in story.said


def test_the_last_answer_stands_until_there_is_another(story):
    code = "slalom_schedule_last_exit_code", "nightly"
    assert [night.during.get(code) for night in story.nights.values()] == [None, 0, 10, 70, 1]


def test_the_nights_are_counted_by_outcome(story):
    counts = {
        labels[1:]: count for labels, count in story.nights["killed"].metrics.items() if "runs_total" in labels[0]
    }
    others = {("nightly", outcome.value): 0 for outcome in RunOutcome if ("nightly", outcome.value) in counts}
    expected = {"ok": 1, "regressed": 1, "failed": 1, "died": 2}
    assert len(others) == 9
    assert counts == {**others, **{("nightly", name): count for name, count in expected.items()}}


def test_the_log_has_the_answer_or_the_reason(story):
    nights = story.nights
    assert nights["well"].log.rstrip().endswith("clouds: identical, 10 trainings of each arm.")
    assert "clouds: regressed (error of " in nights["worse"].log
    assert nights["raised"].log.startswith("Traceback (most recent call last):")
    assert nights["raised"].log.endswith("CancelledError: odd\n")


def test_reports_are_written_where_there_is_an_answer(story):
    failures = [night.report and int(night.report["failures"]) for night in story.nights.values()]
    assert failures[0] == 0
    assert failures[1] > 0
    assert failures[2:] == [None] * 3


def test_the_history_is_in_mlflow(story):
    client = MlflowClient(f"sqlite:///{story.folder}/slalom-home/mlflow.db")
    experiments = [one.experiment_id for one in client.search_experiments() if one.name == "clouds"]
    kind = "tags.`slalom.kind` = 'regression'"
    found = client.search_runs(experiments, kind, order_by=["attributes.start_time ASC"])
    answers = [(run.data.tags["slalom.answer"], run.info.status) for run in found]
    assert answers == [("identical", "FINISHED"), ("regressed", "FAILED")]
