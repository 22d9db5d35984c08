"""What a user's code prints, a closed standard output, data that no other process has, and words from elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version

import pytest

from slalom.errors import StudyError
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

from slalom_worker.optimizers import Optimizer

def update(block):
    print("updating")
    block.parameters.addcmul_(block.gradient, block.columns["rate"], value=-1)

Mine = Optimizer(update, (), {})
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
    import slalom

    with pytest.raises(StudyError) as caught:
        slalom.load("small.yaml")
    assert f"training has the unknown key {word!r}; {HINTS[word]}" in str(caught.value)
