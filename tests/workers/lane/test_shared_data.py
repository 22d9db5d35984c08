"""Data that lanes share: nothing writes to them, and nothing copies them."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from slalom.errors import InputError
from slalom.wire.trial import Turn
from slalom_worker.lane.worker import LaneWorker
from slalom_worker.net.objective import Objective
from slalom_worker.tasks import Data, Split
from slalom_worker.tasks.digits import Digits
from tests.workers.cases import DATA, cases, clouds_work
from tests.workers.checks import results, train
from tests.workers.net.test_own_models import objective
from tests.workers.trials import CPU, order, settings, trial, work

ROOT = Path(__file__).parents[3]
DIGITS = Digits().load()


def splits(data):
    return data.train, data.validation, data.test


def locked(data, folder):
    """The data as pages of files that the system lets nobody write to: a process that tries dies of it."""
    parts = [Split(*(_locked(part, folder) for part in split)) for split in splits(data)]
    if data.pool is None:
        return Data(*parts, data.classes)
    pool = Split(*(_locked(part, folder) for part in data.pool))
    places = [data.place(split.inputs) for split in splits(data)]
    slices = [
        part if place is None else part._replace(inputs=pool.inputs[place])
        for part, place in zip(parts, places, strict=True)
    ]
    return Data(*slices, data.classes, pool=pool)


def _locked(array, folder):
    if array is None:
        return None
    file = folder / f"{len(list(folder.iterdir()))}.npy"
    np.save(file, array)
    return np.load(file, mmap_mode="r")


EVERYTHING = """
import sys
from pathlib import Path
from slalom_worker.lane.device import open_device
open_device()
from tests.workers.lane.test_shared_data import train_everything
train_everything(Path(sys.argv[1]))
"""


def train_everything(folder):
    """All that a study can vary, in pairs, and of several splits, on locked data, to the same numbers as on others."""
    shared = locked(DATA.pooled(), folder)
    of = clouds_work(batch_size=33, hidden=(7,), precision="float32")
    specs = [trial(n, of, case.settings, epochs=2, split=(None, 1, 2)[n % 3]) for n, case in enumerate(cases())]
    found = []
    for data in (shared, DATA):
        program = Objective(of, data, None, CPU)
        found.append(results(program, train(program, specs)))
    for one, other in zip(*found, strict=True):
        assert all(torch.equal(one[name].nan_to_num(), other[name].nan_to_num()) for name in one)
    print(len(specs))


def python(code, folder):
    command = [sys.executable, "-c", code, str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)


@pytest.mark.thorough
def test_nothing_writes_to_them(tmp_path):
    ran = python(EVERYTHING, tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert int(ran.stdout) > 50


def test_locked_data_are_locked(tmp_path):
    code = (
        "import sys; from pathlib import Path; from tests.workers.lane import test_shared_data as here\n"
        "data = here.locked(here.DATA, Path(sys.argv[1]))\n"
        "here.Objective(here.clouds_work(precision='float32'), data, None, here.CPU).train.inputs.zero_()\n"
    )
    assert python(code, tmp_path).returncode == -signal.SIGSEGV


def test_a_lane_takes_what_it_is_given(tmp_path, monkeypatch):
    """It loads nothing, its packs share the arrays, and torch has nothing to say of them."""
    specs = [trial(n, work(hidden=(4 + n,)), settings("adam"), epochs=2) for n in range(2)]
    turn = Turn(tuple(order(spec) for spec in specs))
    wanted = LaneWorker(width=2, turn_seconds=math.inf, device=CPU).turn(turn)

    monkeypatch.setattr(Digits, "load", None)
    shared = locked(DIGITS, tmp_path)
    worker = LaneWorker(width=2, turn_seconds=math.inf, device=CPU, data=shared)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = worker.turn(turn)
    assert replace(found, memory=wanted.memory) == wanted  # the process has grown since
    assert len(found.results) == 2
    placed = [pack.objective.train.inputs.data_ptr() for pack in worker.packs.values()]
    assert placed == [shared.train.inputs.ctypes.data] * 2


class Hasty(nn.Module):
    """Writes to the inputs, always or where there are many."""

    def __init__(self, least):
        super().__init__()
        self.least, self.out = least, nn.Linear(4, 2)

    def forward(self, inputs):
        return self.out(inputs.mul_(2) if len(inputs) >= self.least else inputs)


def test_a_net_that_writes_to_its_inputs_is_refused():
    with pytest.raises(InputError, match="model: changes its inputs in place"):
        objective(lambda: Hasty(1))


@pytest.mark.parametrize("slots", [1, 2])
@pytest.mark.parametrize("activation", [nn.Tanh, nn.GELU])
def test_a_net_that_does_so_later_is_told_of(slots, activation):
    program = objective(lambda: nn.Sequential(Hasty(11), activation()))
    with pytest.raises((InputError, RuntimeError), match=r"in place|written-to"):
        program.evaluate(program.initial(0).repeat(slots, 1), program.validation)


@pytest.mark.parametrize("lay", [np.asfortranarray, lambda array: np.repeat(array, 2, axis=1)[:, ::2]])
def test_the_order_in_memory_is_the_same_for_all(lay):
    other = Data(*(split._replace(inputs=lay(split.inputs)) for split in splits(DATA)), 3)
    assert not lay(DATA.train.inputs).flags.c_contiguous
    assert other.digest() == DATA.digest()
    assert other.train.inputs.flags.c_contiguous
