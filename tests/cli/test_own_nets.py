"""A net of the user's that cannot be trained: told in one line by `check` and `run`, before anything is started."""

import pytest

from tests.cli.studies import SMALL, here

TASK = """import numpy as np
import torch
from torch import nn

from slalom_worker.tasks import Data, Split


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(4, 2)

    def forward(self, inputs):
        BODY


class Cats:
    def load(self):
        labels = np.arange(96) % 2
        inputs = np.random.default_rng(0).normal(size=(96, 4)).astype(np.float32)
        return Data(*[Split(inputs, labels)] * 3, classes=2)

    def model(self):
        return Net()
"""
STUDY = SMALL.replace("task: digits", "task: cats.py:Cats").replace("model: {name: mlp, hidden: [8]}\n", "")

WRONG = {
    "assert inputs.shape[1] == 3, 'cats have three\\nlegs'": "cats.py: model: forward on inputs of shape (2, 4) "
    "in training must not raise, but got AssertionError: cats have three legs (line 14)",
    "return self.out(inputs[:, :3])": "shapes cannot be multiplied (2x3 and 4x2) (line 14)",
    "return self.out(inputs), inputs": "model: must give a tensor [B, 2], but gives a tuple",
    "return self.out(inputs - inputs.mean(0))": "model: predicts something else for an example beside another one",
    "return self.out(inputs + torch.randn(4))": "model: the net (Net) draws random numbers of its own in training",
}


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("body", WRONG)
def test_a_net_that_no_pack_can_train(command, body, empty):
    (empty / "small.yaml").write_text(STUDY)
    (empty / "cats.py").write_text(TASK.replace("BODY", body))
    done = here(command, "small.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("slalom: small.yaml:3:7: ")
    assert WRONG[body] in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(path.name for path in empty.iterdir()) == ["cats.py", "small.yaml"]


def test_a_net_that_packs_can_train_passes(empty):
    (empty / "small.yaml").write_text(STUDY)
    (empty / "cats.py").write_text(TASK.replace("BODY", "return self.out(inputs)"))
    done = here("check", "small.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert "note: the task's net was trained here for two steps" in done.stdout
