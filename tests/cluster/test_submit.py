"""`deploy/local-cluster` and `slalom submit`: a study runs as a job, and goes on whatever dies but the database."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy
from mlflow import MlflowClient

import slalom as package
from slalom import api
from slalom.errors import InputError
from slalom.home import Home
from slalom.submit.submission import read, submission
from slalom.verdict.summary import State
from tests.browser.screenshot import CHROMIUM, DRIVER, RUN, browser, open_conclusions
from tests.cli.studies import here, slalom, start
from tests.cluster.clusters import wait_for
from tests.cluster.studies import rows, run_here
from tests.support.patience import Patience
from tests.support.postgres import binaries

SCRIPT = Path(__file__).parents[2] / "deploy" / "local-cluster"

NEEDED = {"PostgreSQL": binaries(), "Chromium": CHROMIUM.exists() and DRIVER.exists()}

TASK = """
import numpy as np
from sklearn.datasets import load_digits

from slalom_worker.tasks import Data, Split


class Digits:
    def load(self):
        pixels, labels = load_digits(return_X_y=True)
        inputs = (pixels / 16).astype(np.float32)
        return Data(*(Split(inputs[part::3], labels[part::3].astype(np.int64)) for part in range(3)), classes=10)
"""

STUDY = """
name: mine
question: Does momentum help?
task: my_task.py:Digits
model: {name: mlp, hidden: [8]}
training: {epochs: 500, batch_size: 64, optimizer: momentum}
search:
  learning_rate: {log: [1e-3, 1.0]}
arms:
  plain: {momentum: 0.0}
  heavy: {momentum: 0.9}
tune: {trials: 6, generation: 2, searches: 1, pick: none}
confirm: {seeds: 6}
compare: {baseline: plain}
resources: {lanes: 1}
"""

TRIALS = 24


class Stack:
    """What `local-cluster up` has started."""

    def __init__(self, folder):
        self.folder = folder
        self.engine = None

    def script(self, *words):
        command = [sys.executable, SCRIPT, *words, "--folder", str(self.folder)]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=800).stdout

    def environment(self):
        return dict(re.findall(r"^export (\w+)=(.*)$", self.script("status", "--env"), re.MULTILINE))

    def places(self):
        """The options that `submit` wants."""
        found = {name: os.environ[f"SLALOM_{name}"] for name in ("RAY", "STORAGE", "TRACKING_URI")}
        return ["--ray", found["RAY"], "--storage", found["STORAGE"], "--tracking-uri", found["TRACKING_URI"]]

    def home(self, folder):
        """The study's places, as somebody sees them who has nothing of it on disk."""
        return Home(folder, os.environ["SLALOM_STORAGE"], os.environ["SLALOM_TRACKING_URI"])

    def processes(self):
        """The stack's processes by part, found by a mark in what they were told when they were started."""
        start, found = f"SLALOM_LOCAL_CLUSTER={self.folder}:".encode(), {}
        for file in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                for line in file.read_bytes().split(b"\0"):
                    if line.startswith(start):
                        found.setdefault(line.removeprefix(start).decode(), set()).add(int(file.parent.name))
        return found

    def holders(self):
        """The processes that have a file of the folder open, whoever started them."""
        found = set()
        for link in Path("/proc").glob("[0-9]*/fd/*"):
            with suppress(OSError):
                if str(link.readlink()).startswith(f"{self.folder}/"):
                    found.add(int(link.parts[2]))
        return found

    def ended(self):
        """How many trials are in the database."""
        if self.engine is None:
            self.engine = sqlalchemy.create_engine(os.environ["SLALOM_STORAGE"], pool_pre_ping=True)
        with suppress(sqlalchemy.exc.ProgrammingError), self.engine.connect() as line:
            return line.execute(sqlalchemy.text("SELECT count(*) FROM trials")).scalar()
        return 0


@pytest.fixture(scope="module")
def stack():
    if not all(NEEDED.values()):
        pytest.skip(f"not installed: {', '.join(name for name, found in NEEDED.items() if not found)}")
    made = Stack(Path(tempfile.mkdtemp(prefix="slc-", dir=tempfile.gettempdir())))
    with pytest.MonkeyPatch.context() as patch:
        try:
            made.script("up", "--workers", "2")
            for name, value in made.environment().items():
                patch.setenv(name, value)
            yield made
        finally:
            made.script("down")
            shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Somebody's folder, with a study and its task."""
    made = tmp_path_factory.mktemp("theirs")
    (made / "my_task.py").write_text(TASK)
    (made / "mine.yaml").write_text(STUDY)
    return made


def shown(stack, folder):
    """What is found of the study, from afar."""
    return api.show(folder / "mine.yaml", stack.home(folder / "nothing-here"))


def complete(stack, folder):
    return stack.ended() == TRIALS and shown(stack, folder).summary.state is State.COMPLETE


def until(holds, seconds=100):
    """Wait, for longer on a busy machine; the cluster needs the cores."""
    patience = Patience(seconds)
    while not holds():
        assert not patience.over, f"not within {seconds} s"
        time.sleep(0.3)


def test_a_study_whose_submitter_is_killed_goes_on_whoever_follows_and_can_be_stopped(stack, folder):
    ray = os.environ["SLALOM_RAY"]
    with start("submit", "mine.yaml", *stack.places(), "--follow", cwd=folder, stdout=subprocess.PIPE) as submitting:
        assert submitting.stdout.readline().endswith(b"-1 is submitted; it needs this machine no more.\n")
        submitting.kill()
    with start("logs", "mine.yaml", "--ray", ray, "--follow", cwd=folder, stdout=-1, stderr=-1) as following:
        assert following.stdout.readline()
        following.send_signal(signal.SIGINT)
        assert b"-1 goes on; stop it with: slalom stop mine.yaml --ray" in following.stderr.read()
        assert following.wait(30) == 130
    until(stack.ended)
    stopped = slalom("stop", "mine.yaml", "--ray", ray, cwd=folder)
    assert (stopped.returncode, stopped.stderr) == (0, "")
    result = shown(stack, folder)
    assert result.summary.state is State.INTERRUPTED
    assert 0 < len(result.ended) < TRIALS


def test_submitted_again_it_resumes_by_itself_when_its_head_is_started_again(stack, folder):
    """All of the head dies at once, as with its machine; the numbers are those of a run that nothing has stopped."""
    again = slalom("submit", "mine.yaml", *stack.places(), cwd=folder)
    assert (again.returncode, again.stderr) == (0, "")
    assert "-2 is submitted; it needs this machine no more.\n" in again.stdout
    until(lambda: shown(stack, folder).summary.state is State.RUNNING)
    for pid in stack.processes()["head"]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert stack.ended() < TRIALS, "the study must be longer"
    assert "head         is down" in stack.script("status")
    stack.script("up")
    running = stack.processes()
    stack.script("up")
    assert all(pids & stack.processes()[part] for part, pids in running.items())
    until(lambda: complete(stack, folder))
    assert rows(shown(stack, folder).export()) == run_here(package.load(folder / "mine.yaml"))
    assert sorted(file.name for file in folder.iterdir()) == ["mine.yaml", "my_task.py"]


def test_what_it_says_is_read_from_afar_and_submitting_again_finds_it_done(stack, folder):
    said = slalom("logs", "mine.yaml", "--ray", os.environ["SLALOM_RAY"], "--follow", cwd=folder)
    assert (said.returncode, said.stderr) == (0, "")
    assert f"Verdict: {shown(stack, folder).verdict.sentence}\n" in said.stdout
    again = slalom("submit", "mine.yaml", *stack.places(), "--json", cwd=folder)
    assert (again.returncode, again.stderr) == (0, "")
    told = json.loads(again.stdout)
    assert told["state"] == "complete"
    assert told["submission"] == f"slalom-mine-{told['fingerprint'][:12]}-1"
    assert "***" in told["storage"]


def test_its_page_on_the_server(stack, folder, tmp_path):
    verdict = shown(stack, folder).verdict.sentence
    client = MlflowClient(os.environ["SLALOM_TRACKING_URI"])
    experiment = client.get_experiment_by_name("mine").experiment_id
    query = "workflowType=machine_learning&searchFilter=tags.%60slalom.kind%60%20!%3D%20'trial'"
    with browser(tmp_path) as window:
        open_conclusions(window, f"{os.environ['SLALOM_TRACKING_URI']}/#/experiments/{experiment}/runs?{query}")
        assert next(link.text for link in window.find_elements("css selector", RUN)) == "mine"
        assert verdict in window.find_element("css selector", "body").text


def test_down_leaves_nothing(stack):
    plan = json.loads((stack.folder / "cluster.json").read_text())
    assert stack.processes().keys() == {"postgres", "mlflow", "head", "worker-1", "worker-2"}
    assert stack.holders()
    stack.engine.dispose()
    stack.script("down")
    assert stack.processes() == {}
    # A process that was killed gives back its memory first, by which it is known here, and then its files.
    assert wait_for(lambda: not stack.holders())
    assert not stack.folder.exists()
    assert not stack.folder.with_name(f".{stack.folder.name}.lock").exists()
    for name in ("postgres", "mlflow", "gcs", "jobs", "client"):
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            line.bind(("127.0.0.1", plan[name]))
    stack.script("down")


REMOTE = "http://ray-head:8265"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--ray", "ray-head:6379"], r"--ray: a job server's address is .* but got 'ray-head:6379'"),
        (["--ray", "ray://ray-head"], r"--ray: a job server's address is .* but got 'ray://ray-head'"),
        (["--ray", REMOTE], r"--storage sqlite:.* and --tracking-uri sqlite:.* cannot be reached from the cluster"),
        (
            ["--ray", REMOTE, "--storage", "postgresql://me:secret@db/x"],
            r"^slalom: --tracking-uri sqlite:.* cannot be reached from the cluster at ray-head",
        ),
        (
            ["--ray", REMOTE, "--storage", "postgresql://me:secret@localhost/x", "--tracking-uri", "http://m:5000"],
            r"^slalom: --storage postgresql\+psycopg2://me:\*\*\*@localhost/x cannot be reached",
        ),
        (["--ray", "http://127.0.0.1:8265", "--storage", "sqlite:///x.db"], "name the file by its whole path"),
    ],
)
def test_refused_before_anything_is_sent(words, message, folder, monkeypatch):
    monkeypatch.chdir(folder)
    for name in ("SLALOM_STORAGE", "SLALOM_TRACKING_URI"):  # of the cluster that this file has started
        monkeypatch.delenv(name, raising=False)
    done = here("submit", "mine.yaml", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(message, done.stderr)
    assert sorted(file.name for file in folder.iterdir()) == ["mine.yaml", "my_task.py"]


def test_no_study_or_two_wishes(folder, monkeypatch):
    monkeypatch.chdir(folder)
    for words in ([], ["mine.yaml", "--resume-all"]):
        done = here("submit", *words, "--ray", "http://127.0.0.1:8265")
        assert (done.returncode, done.stderr) == (2, "slalom: submit wants either a STUDY or --resume-all\n")


def test_where_nothing_answers(folder, monkeypatch):
    monkeypatch.chdir(folder)
    done = here("submit", "mine.yaml", "--ray", "http://127.0.0.1:1")
    assert done.returncode == 3
    assert done.stderr.startswith("slalom: Ray at http://127.0.0.1:1 does not answer: ")


def sent(folder, **changes):
    """A submission that keeps its state in a folder here."""
    spec = package.load(folder / "mine.yaml")
    made = submission(spec, folder / "mine.yaml", Home(folder / "home"), stays=True, install=False)
    return replace(made, **changes)


def test_what_is_sent_is_read_again_and_fits_here(folder, tmp_path):
    made = sent(folder)
    made.write(tmp_path)
    assert read(tmp_path) == made
    made.check_here()
    assert made.place().folder == folder / "home"


def test_an_environment_that_is_not_the_clusters_is_named_with_both_versions(folder):
    made = sent(folder)
    other = replace(made, versions={**made.versions, "torch": "1.0.0", "optuna": "2.0.0"})
    with pytest.raises(InputError) as caught:
        other.check_here()
    assert f"torch 1.0.0 there, {made.versions['torch']} here; optuna 2.0.0 there" in str(caught.value)


def test_a_home_that_is_on_another_machine(folder):
    with pytest.raises(InputError, match="lies on laptop, but the job runs on"):
        sent(folder, machine="laptop").check_here()


def test_a_note_has_no_password(folder):
    storage, tracking = "postgresql://me:secret@db/x", "http://me:secret@mlflow:5000"
    noted = sent(folder, storage=storage, tracking=tracking).noted()
    assert "secret" not in json.dumps(noted)
    assert noted["tracking"] == "http://***@mlflow:5000"
