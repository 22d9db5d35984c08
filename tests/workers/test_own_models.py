"""Nets that a user brings: what a pack makes of them, and what it refuses."""

import numpy as np
import pytest
import torch
from torch import nn

from slalom.errors import InputError
from slalom.trial import Work
from slalom_worker.objective import Objective, Way
from slalom_worker.pack import Pack
from slalom_worker.regularizers import SlotDropout
from slalom_worker.slot import Slot
from slalom_worker.tasks import Data, Split
from tests.workers.trials import CPU, order, settings, trial

WORK = Work({"name": "own.py:Own"}, {"name": "task"}, 10)


class Own:
    """Two separable clouds, and a net made by `make`."""

    def __init__(self, make):
        self.make = make

    def load(self):
        random = np.random.default_rng(0)
        labels = np.arange(60) % 2
        inputs = (random.normal(size=(60, 4)) + labels[:, None]).astype(np.float32)
        return Data(*(Split(inputs, labels) for _ in range(3)), classes=2)

    def model(self):
        return self.make()


def objective(make):
    task = Own(make)
    return Objective(WORK, task.load(), task, CPU)


def trained(program, count):
    slots = [Slot.start(order(trial(n, WORK, settings("adam", learning_rate=0.01))), program) for n in range(count)]
    pack = Pack(program)
    pack.seat(slots)
    for _ in range(2):
        pack.advance()
    return [slot.tensors["parameters"] for slot in slots]


class Chooser(nn.Module):
    """Looks at its numbers to decide what to do, which no stacked program can."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 2) for _ in range(2))

    def forward(self, inputs):
        return self.layers[int(inputs.mean().item() > 0)](inputs)


class Sequence(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.out = nn.LayerNorm(4), nn.Linear(4, 2)

    def forward(self, inputs):
        return self.out(torch.tanh(self.norm(inputs)))


class Convolving(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolve, self.out = nn.Conv1d(1, 3, 2), nn.Linear(9, 2)

    def forward(self, inputs):
        return self.out(self.convolve(inputs.unsqueeze(1)).tanh().flatten(1))


@pytest.mark.parametrize(("make", "way"), [(Sequence, Way.STACKED), (Convolving, Way.APART), (Chooser, Way.BY_HAND)])
def test_any_net_trains_in_a_pack_as_it_does_alone(make, way):
    program = objective(make)
    assert program.way is way
    together = trained(program, 5)
    assert all(torch.equal(one, other) for one, other in zip(trained(program, 2), together, strict=False))
    assert not torch.equal(together[0], program.initial(trial(0, WORK, settings()).seeds.weights))


def test_a_nets_own_dropout_layers_draw_from_the_trials_stream():
    program = objective(lambda: nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2)))
    (layer,) = program.dropouts.values()
    assert isinstance(layer, SlotDropout)
    assert (layer.rate, layer.shape) == (0.5, (8,))
    state = torch.get_rng_state()
    together = trained(program, 3)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(trained(program, 1)[0], together[0])


class Noisy(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(4, 2)

    def forward(self, inputs):
        return self.out(inputs + torch.randn_like(inputs))


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2)), "1 .BatchNorm1d. keeps running statistics"),
        (Noisy, "draws random numbers of its own"),
        (lambda: nn.Linear(5, 2), r"fails on inputs of shape \(2, 4\)"),
        (lambda: nn.Linear(4, 3), r"gives \(2, 3\) for 2 inputs of 2 classes"),
        (lambda: "net", "must return a torch.nn.Module, but returned 'net'"),
    ],
)
def test_a_net_that_cannot_be_trained_is_refused_with_the_reason(make, rule):
    with pytest.raises(InputError, match=rule):
        objective(make)
