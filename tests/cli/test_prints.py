"""What a user's code prints, wherever it is called in this process, goes to standard error: `--json` stays JSON."""

import json
import re

import pytest

from slalom import wiring
from tests.cli.studies import RINGS, SMALL, here, slalom
from tests.loop.test_own_training import STUDY, TRAIN
from tests.support.mlflow_tables import database

TASK = """
import numpy as np
from torch import nn

from slalom_worker.emphasis.base import BY, Emphasis
from slalom_worker.initializations.base import Initialization
from slalom_worker.losses import Loss
from slalom_worker.losses.cross_entropy import CROSS_ENTROPY
from slalom_worker.metrics.base import Metric
from slalom_worker.optimizers import Optimizer
from slalom_worker.preprocessing import Fitted, Preprocessing
from slalom_worker.schedules import Schedule
from slalom_worker.tasks import Data, Split

print("import")

def said(word, function):
    def call(*given):
        print(word)
        return function(*given)
    return call

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        print("net")
        self.out = nn.Linear(4, 2)

    def forward(self, inputs):
        print("forward" if self.training else "evaluation")
        return self.out(inputs)

class Cats:
    def __init__(self):
        print("class")

    def load(self):
        print("load")
        labels = np.arange(96) % 2
        inputs = np.random.default_rng(0).normal(size=(96, 4)).astype(np.float32)
        return Data(*[Split(inputs, labels)] * 3, classes=2)

    def model(self):
        print("model")
        return Net()

Mine = Optimizer(
    said("update", lambda block: block.parameters.addcmul_(block.gradient, block.columns["rate"], value=-1)),
    (),
    {},
    columns={"none": said("column", lambda number, given: number * 0)},
)
Still = Schedule(said("schedule", lambda clock, given: clock.step * 0 + 1), {})
Even = Emphasis(said("emphasis", lambda state, given: np.ones(len(state.labels))), {"by": BY})
Small = Initialization(
    said("initialization", lambda weight, fans, generator, given: weight.uniform_(-0.1, 0.1, generator=generator)), {}
)
Halved = Preprocessing(
    said("preprocessing", lambda inputs: Fitted(np.zeros(inputs.shape[1]), np.full(inputs.shape[1], 0.5)))
)
options = {"label_smoothing": 0.0}
Own = Loss(
    said("loss", lambda outputs, labels, _: CROSS_ENTROPY.each(outputs, labels, options)),
    lambda outputs, _: CROSS_ENTROPY.second(outputs, options),
    lambda outputs, shares, labels, _: CROSS_ENTROPY.of_mean(outputs, shares, labels, options),
    said("predict", lambda outputs, _, numbers: CROSS_ENTROPY.predict(outputs, options, numbers)),
    {},
)
Hits = Metric(said("metric", lambda labels, guessed, _: float((guessed.argmax(1) == labels).mean())), "maximize")
"""
WORDS = {*re.findall(r'(?:said|print)\(\n? *"(\w+)"', TASK), "evaluation"}
OWN = (
    SMALL.replace("task: digits", "task: mine.py:Cats")
    .replace("model: {name: mlp, hidden: [8]}\n", "metric: {name: error, record: [mine.py:Hits]}\n")
    .replace(
        "batch_size: 32}", "batch_size: 32, emphasis: mine.py:Even, preprocess: mine.py:Halved, loss: mine.py:Own}"
    )
    .replace("optimizer: sgd", "optimizer: mine.py:Mine, learning_rate_schedule: mine.py:Still")
    .replace("optimizer: adam", "optimizer: adam, initialization: mine.py:Small")
    .replace("searches: 6", "searches: 1")
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(wiring, "ray_lanes", lambda spec, address=None: wiring.local_lanes(spec))
    (tmp_path / "mine.py").write_text(TASK)
    (tmp_path / "mine.yaml").write_text(OWN)
    (tmp_path / "curves.py").write_text(TRAIN.replace("def train(", "print('import')\ndef train(", 1))
    (tmp_path / "curves.yaml").write_text(STUDY)
    database(tmp_path / "home")
    return tmp_path


@pytest.mark.thorough
def test_everything_of_a_user_s_own_prints_to_standard_error(folder):
    assert len(WORDS) == 16
    checked = here("check", "mine.yaml", "--json")
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["study"] == "small"
    assert set(checked.stderr.split()) >= WORDS
    done = here("run", "mine.yaml", "--home", "home", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "complete"
    assert set(done.stderr.split()) >= WORDS
    pinned = here("baseline", "set", "mine.yaml", "--home", "home")
    assert pinned.returncode == 0, pinned.stderr
    assert pinned.stdout.startswith("Pinned ")
    assert pinned.stdout.count("\n") == 1
    held = here("regress", "mine.yaml", "--home", "home", "--json")
    assert json.loads(held.stdout)["study"] == "small", held.stderr


@pytest.mark.thorough
def test_code_that_closes_its_streams_closes_nobody_else_s(folder):
    closes = "sys.stdout.close(); sys.stderr.close()"
    source = (folder / "curves.py").read_text().replace("print('import')", f"import sys\n{closes}")
    head, _, body = source.partition("def train(")
    signature, _, rest = body.partition(":\n")
    (folder / "curves.py").write_text(f"{head}def train({signature}:\n    {closes}\n    print('training')\n{rest}")
    checked = here("check", "curves.yaml", "--json")
    assert checked.returncode == 0, checked.stderr
    assert "training" in checked.stderr
    done = here("run", "--home", "home", "curves.yaml", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "complete"
    assert "training" in done.stderr


@pytest.mark.thorough
def test_a_training_function_prints_to_standard_error(folder):
    source = (folder / "curves.py").read_text()
    head, _, body = source.partition("def train(")
    signature, _, rest = body.partition(":\n")
    (folder / "curves.py").write_text(f"{head}def train({signature}:\n    print('training')\n{rest}")
    for words in (("check",), ("run", "--home", "home")):
        done = here(*words, "curves.yaml", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["study"] == "curves"
        assert {"import", "training"} <= set(done.stderr.split())


BELOW = """
import ctypes, os, subprocess
from slalom_worker.tasks.digits import Digits

class Mine(Digits):
    def load(self):
        subprocess.run(["echo", "a child"], check=True)
        subprocess.run(["echo"], check=True)
        ctypes.CDLL(None).puts(b"a library")
        os.write(1, b"a descriptor\\n")
        return super().load()
"""
"""A task that prints below Python's streams."""


@pytest.mark.slow
def test_what_is_printed_below_python_goes_to_standard_error_and_is_no_answer(tmp_path):
    (tmp_path / "mine.py").write_text(BELOW)
    (tmp_path / "rings.yaml").write_text(RINGS.replace("task: digits", "task: mine.py:Mine"))
    checked = slalom("check", "rings.yaml", "--json", cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["study"] == "rings"
    assert {"a child", "a library", "a descriptor"} <= set(checked.stderr.splitlines())
