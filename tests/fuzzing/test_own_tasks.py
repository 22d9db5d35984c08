"""Tasks and training functions of a user's that raise, loop, print, exit, allocate: refused, or a trial's end."""

import json
import signal
from contextlib import nullcontext

import pytest

import slalom
from slalom import wiring
from slalom.errors import Infrastructure, Interrupted, SlalomError
from tests.cli.studies import await_that, ended, start
from tests.support.mlflow_tables import database

TASK = """
import sys
import numpy as np
from slalom_worker.tasks import Data, Split

class Rings:
    def load(self):
        {load}
"""

LOADS = {
    "raises": "raise KeyError('nowhere')",
    "exits": "sys.exit(7)",
    "exits with zero": "sys.exit(0)",
    "interrupts nothing, gives nothing": "return None",
    "allocates": "return np.ones((1 << 46,), dtype='float32')",
    "gives a text": "return 'data'",
    "closes its output": "sys.stdout.close(); sys.stderr.close(); raise KeyError('nowhere')",
    "recurs": "return self.load()",
}

DOCUMENT = {
    "name": "fuzz",
    "question": "Does it hold?",
    "task": "own.py:Rings",
    "model": {"name": "mlp", "hidden": [3]},
    "training": {"epochs": 1, "batch_size": 32, "optimizer": "sgd"},
    "arms": {"slow": {"learning_rate": 0.01}, "fast": {"learning_rate": 0.1}},
    "tune": {"trials": 1, "searches": 1},
    "confirm": {"seeds": 1},
    "compare": {"baseline": "slow"},
}

TRAIN = """
import os
import sys

def train(trial, rate):
    {body}
    for epoch in range(trial.epochs):
        if not trial.report(error=rate):
            break
    if trial.wants_test:
        return {{"error": rate}}
"""

BODIES = {
    "closes its output": ("sys.stdout.close(); print('more'); sys.stderr.close()", "complete"),
    "prints": ("print('x' * 100_000); print('y', file=sys.stderr)", "complete"),
    "raises": ("raise ZeroDivisionError('in the first line')", "failed"),
    "exits": ("sys.exit(3)", "failed"),
    "exits with zero": ("sys.exit(0)", "failed"),
    "allocates": ("held = bytearray(1 << 60)", "failed"),
    "gives NaN": ("rate = float('nan')", "diverged"),
    "recurs": ("train(trial, rate)", "failed"),
    "reports a text": ("trial.report(error='much')", "failed"),
    "changes its folder": ("os.chdir('/')", "complete"),
}


def written(folder, text, document):
    (folder / "own.py").write_text(text)
    (folder / "fuzz.yaml").write_text(json.dumps(document))
    database(folder / "home")
    return folder / "fuzz.yaml"


@pytest.mark.parametrize("name", LOADS)
def test_a_task_that_cannot_be_loaded_is_refused_before_anything_starts(name, tmp_path):
    study = written(tmp_path, TASK.format(load=LOADS[name]), DOCUMENT)
    with pytest.raises(SlalomError) as caught:
        slalom.load(study)
    assert str(caught.value).startswith(str(study))
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_task_whose_load_loops_is_ended_by_ctrl_c(command, tmp_path):
    """Nothing else can tell a long load from an endless one; loops in training are ended by `trial_timeout`."""
    loops = "open('begun', 'w').close()\n        while True:\n            pass"
    written(tmp_path, TASK.format(load=loops), DOCUMENT)
    with (tmp_path / "log").open("w") as log:
        process = start(command, "fuzz.yaml", cwd=tmp_path, stdout=log, stderr=log)
        try:
            await_that(lambda: (tmp_path / "begun").exists() or process.poll() is not None)
            process.send_signal(signal.SIGINT)
            assert ended(process, 10) == Interrupted.exit_code, (tmp_path / "log").read_text()
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("name", BODIES)
def test_a_training_function_ends_each_trial_and_the_study(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    body, outcome = BODIES[name]
    document = DOCUMENT | {
        "task": "own.py:train",
        "training": {"epochs": 2},
        "metric": {"name": "error", "goal": "minimize"},
    }
    document |= {"arms": {"slow": {"rate": 0.1}, "fast": {"rate": 0.2}}}
    del document["model"]
    study = written(tmp_path, TRAIN.format(body=body), document)
    alike = pytest.raises(Infrastructure, match="every trial failed, the first with: ")
    with alike if outcome == "failed" else nullcontext():
        slalom.run(study, tmp_path / "home", lanes=wiring.local_lanes)
    rows = slalom.show(study, tmp_path / "home").export()
    assert rows
    assert {row["outcome"] for row in rows} == {outcome}
