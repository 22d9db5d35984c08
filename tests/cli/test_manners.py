"""What a user's code prints, a closed standard output, what no other process has, and words from elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version

import pytest

import slalom
from slalom.errors import InputError, StudyError
from slalom.reading import check_elsewhere
from slalom.study.hints import HINTS
from tests.cli.studies import SMALL, here

TASK = """
import numpy as np
from slalom_worker.tasks import Data, Split
print("imported")

class Printing:
    def load(self):
        print("loading")
        part = Split(np.arange(40, dtype=np.float32).reshape(20, 2), np.arange(20) % 2)
        return Data(part, part, part, classes=2)

class Hashed(Printing):
    def load(self):
        words = list({f"word {number}" for number in range(20)})
        part = Split(np.array([[float(word[5:])] for word in words], np.float32), np.arange(20) % 2)
        return Data(part, part, part, classes=2)

from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, inputs):
        return self.layer(inputs) * ORDER

WORDS = {f"0.{number}" for number in range(100, 160)}

# Of the whole order: the first word alone is the same in two processes once in sixty.
ORDER = sum(place * float(word) for place, word in enumerate(WORDS)) / 1000

class Layers(Printing):
    def model(self):
        return nn.Sequential(nn.Linear(2, 2), *(nn.PReLU(init=float(word)) for word in WORDS))

class Forward(Printing):
    def model(self):
        return Net()

class Sound(Printing):
    def model(self):
        return nn.Sequential(nn.Linear(2, 2), *(nn.PReLU(init=float(word)) for word in sorted(WORDS)))

from slalom_worker.initializations.base import Initialization
from slalom_worker.optimizers import Optimizer

def update(block):
    print("updating")
    block.parameters.addcmul_(block.gradient, block.columns["rate"], value=-1)

def stretched(block):
    block.parameters.addcmul_(block.gradient, block.columns["rate"] * ORDER, value=-1)

Mine = Optimizer(update, (), {})
Stretched = Optimizer(stretched, (), {})
Drawn = Initialization(lambda weights, *_: weights.fill_(ORDER), {})
"""


def study(name, **replaced):
    text = SMALL.replace("task: digits", f"task: mine.py:{name}")
    for old, new in replaced.items():
        text = text.replace(old, new)
    return text


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(TASK)
    for name in ("Printing", "Hashed"):
        (tmp_path / f"{name}.yaml").write_text(study(name))
    own = study("Printing").replace("optimizer: sgd", "optimizer: mine.py:Mine")
    (tmp_path / "mine.yaml").write_text(own)
    return tmp_path


def test_what_a_user_s_code_prints_goes_to_standard_error(folder):
    done = here("check", "mine.yaml", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["study"] == "small"
    assert {"imported", "loading", "updating"} <= set(done.stderr.split())


def test_data_that_another_process_does_not_have_are_refused(folder):
    assert here("check", "Printing.yaml").returncode == 0
    done = here("check", "Hashed.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "mine.py:Hashed: load() must give the same data in every process" in done.stderr
    assert "the order of a set" in done.stderr


NET = "model: {name: mlp, hidden: [8]}\n"
ELSEWHERE = {
    "layers from a set": (study("Layers", **{NET: ""}), "a trial must begin with the same net in every process"),
    "a forward by a set": (study("Forward", **{NET: ""}), "a trial must come to the same numbers in every process"),
    "an optimizer": (
        SMALL.replace("optimizer: sgd", "optimizer: mine.py:Stretched"),
        "a trial must come to the same numbers in every process",
    ),
    "an initialization": (
        SMALL.replace("optimizer: sgd", "optimizer: sgd, initialization: mine.py:Drawn"),
        "a trial must begin with the same net in every process",
    ),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_nets_and_methods_that_another_process_does_not_have_are_refused(folder, name):
    text, message = ELSEWHERE[name]
    (folder / "elsewhere.yaml").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        check_elsewhere(slalom.load("elsewhere.yaml"))
    assert "does mine.py count on the order of a set, the clock, or random numbers of its own?" in str(caught.value)


def test_a_net_that_is_the_same_everywhere_is_taken(folder):
    (folder / "elsewhere.yaml").write_text(study("Sound", **{NET: ""}))
    check_elsewhere(slalom.load("elsewhere.yaml"))


def test_a_closed_standard_output_is_no_crash(folder):
    words = f"'{sys.executable}' -m slalom.cli studies >&-"
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=False, env={**os.environ})
    assert (done.returncode, done.stderr) == (0, "")


def test_the_version_and_columns_that_hold_every_name(capsys):
    assert here("--version").stdout == f"slalom {version('slalom')}\n"
    lines = here("studies").stdout.splitlines()
    starts = {len(line) - len(line.split("  ", 1)[1].lstrip()) for line in lines}
    assert len(starts) == 1


@pytest.mark.parametrize("word", HINTS)
def test_a_word_from_elsewhere_is_told_what_says_the_same_here(word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = SMALL.replace("training: {", f"training: {{{word}: 1, ")
    (tmp_path / "small.yaml").write_text(text)
    with pytest.raises(StudyError) as caught:
        slalom.load("small.yaml")
    assert f"training has the unknown key {word!r}; {HINTS[word]}" in str(caught.value)
