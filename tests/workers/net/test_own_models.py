"""Nets that a user brings: what a pack makes of them, and what it refuses."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from slalom.errors import InputError
from slalom.wire.trial import Turn, Work
from slalom_worker.lane.worker import LaneWorker
from slalom_worker.net.objective import Objective
from slalom_worker.program.ways import Way
from slalom_worker.regularizers import SlotDropout
from slalom_worker.training.pack import Pack
from slalom_worker.training.slot import Slot
from tests.workers.cases import PRECISIONS, WIDTHS
from tests.workers.checks import check_invariance, train
from tests.workers.net.own_nets import WORK, Own
from tests.workers.trials import CPU, order, settings, trial


def objective(make, shape=(4,), precision="float32"):
    task = Own(make, shape)
    return Objective(replace(WORK, precision=precision), task.load(), task, CPU)


def trained(program, count):
    slots = [Slot.start(order(trial(n, WORK, settings("adam", learning_rate=0.01))), program) for n in range(count)]
    pack = Pack(program)
    pack.seat(slots)
    for _ in range(2):
        pack.advance()
    return [slot.tensors["parameters"] for slot in slots]


class Shared(nn.Module):
    """Multiplies its weights by a matrix that is the same for all slots."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 100).repeat(2, 1))
        self.register_buffer("design", torch.sin(torch.arange(400.0)).view(100, 4))

    def forward(self, inputs):
        return inputs @ (self.weight @ self.design).mT


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_matrix_that_slots_share_does_not_make_rows_of_them(precision):
    program = objective(Shared, precision=precision)
    assert program.way is Way.APART
    chosen = [settings("sgd"), settings("adam", learning_rate=0.01)]
    specs = [trial(n, program.work, chosen[n % 2], epochs=2) for n in range(33)]
    check_invariance(program, specs, WIDTHS)


class Chooser(nn.Module):
    """Looks at its numbers to decide what to do, which no stacked program can."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 2) for _ in range(2))

    def forward(self, inputs):
        return self.layers[int(inputs.mean().item() > 0)](inputs)


class Leaving(Chooser):
    """Looks at its numbers outside of torch."""

    def forward(self, inputs):
        return self.layers[int(inputs.detach().numpy().mean() > 0)](nn.functional.gelu(inputs))


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.hidden, self.out = nn.LayerNorm(4), nn.Linear(4, 9), nn.Linear(9, 2)

    def forward(self, inputs):
        return self.out(torch.tanh(self.hidden(self.norm(inputs))))


class Uneven(Plain):
    """With an activation that torch rounds otherwise at the tail of a vector."""

    def forward(self, inputs):
        return self.out(nn.functional.gelu(self.hidden(self.norm(inputs))))


def convolutions():
    """Two convolutions of odd sizes, as in LeNet."""
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.Tanh(), nn.MaxPool2d(2), nn.Conv2d(3, 5, 2), nn.ReLU(), nn.Flatten(), nn.Linear(20, 2)
    )


IMAGE = (1, 8, 8)
CHOSEN = [
    settings("adam", learning_rate=0.01),
    settings("nesterov", weight_decay=1e-3),
    settings("rmsprop", learning_rate=0.003, emphasis={"scheme": "class_balanced", "strength": 1.0, "by": "sampling"}),
    settings("momentum", momentum={"schedule": "gradient_norm", "start": 0.5, "end": 0.9}),
    settings("sgd", learning_rate_schedule={"schedule": "cosine", "end": 0.0}),
]


def specs(program, count):
    return [trial(n, program.work, CHOSEN[n % len(CHOSEN)], epochs=2) for n in range(count)]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    ("make", "shape", "way"),
    [
        (Plain, (4,), Way.STACKED),
        (Uneven, (4,), Way.APART),
        (convolutions, IMAGE, Way.APART),
        (Chooser, (4,), Way.BY_HAND),
        (Leaving, (4,), Way.BY_HAND),
    ],
)
def test_any_net_trains_in_a_pack_as_it_does_alone(make, shape, way, precision):
    program = objective(make, shape, precision)
    assert program.way is way
    check_invariance(program, specs(program, 64), WIDTHS)
    (slot,) = train(program, specs(program, 1))
    assert not torch.equal(slot.tensors["parameters"], program.initial(slot.trial.seeds.weights))


ACTIVATIONS = [nn.CELU, nn.ELU, nn.GELU, nn.LogSigmoid, nn.Mish, nn.SELU, nn.SiLU, nn.Sigmoid, nn.Softplus, nn.Softsign]


@pytest.mark.parametrize("activation", [*ACTIVATIONS, lambda: nn.GELU("tanh")])
def test_every_activation_rounds_alike_at_every_width(activation):
    program = objective(lambda: nn.Sequential(nn.Linear(4, 9), activation(), nn.Linear(9, 2)), precision="float64")
    check_invariance(program, specs(program, 64), (1, 7))


FILE = """
import numpy as np
from torch import nn

from slalom_worker.tasks import Data, Split


class Cats:
    def load(self):
        labels = np.arange(67) % 2
        inputs = np.random.default_rng(0).normal(size=(67, 5)) + labels[:, None]
        return Data(*[Split(inputs.astype(np.float32), labels)] * 3, classes=2)

    def model(self, hidden):
        middle = (nn.LayerNorm(hidden), nn.Dropout(0.3), nn.GELU())
        return nn.Sequential(nn.Linear(5, hidden), *middle, nn.Linear(hidden, 2))
"""


def test_a_task_files_net_trains_alike_in_lanes_of_any_width(tmp_path):
    (tmp_path / "cats.py").write_text(FILE)
    of = Work({"name": "cats.py:Cats"}, {"name": "task", "hidden": 9}, 10)
    orders = [order(trial(n, of, CHOSEN[n % len(CHOSEN)], epochs=1 + n % 3)) for n in range(16)]
    found = []
    for width in (1, 2, 7, 16):
        lane = LaneWorker(tmp_path, width, turn_seconds=math.inf, device=CPU)
        found.append({result.trial: result.metrics for result in lane.turn(Turn(tuple(orders))).results})
    assert len(found[0]) == 16
    assert all(one == found[0] for one in found)


def test_a_nets_own_dropout_layers_draw_from_the_trials_stream():
    program = objective(lambda: nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2)))
    (call,) = program.forward.dropouts.values()
    assert isinstance(call.layer, SlotDropout)
    assert (call.layer.rate, call.shape) == (0.5, (8,))
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
        (Noisy, "draws random numbers of its own"),
        (
            lambda: nn.Linear(5, 2),
            r"forward on inputs of shape \(2, 4\) in training must not raise, but got RuntimeError: mat1",
        ),
        (lambda: nn.Linear(4, 3), r"must give 2 outputs for each input, but gives \(2, 3\) for 2"),
        (lambda: "net", "must return a torch.nn.Module, but returned 'net'"),
    ],
)
def test_a_net_that_cannot_be_trained_is_refused_with_the_reason(make, rule):
    with pytest.raises(InputError, match=rule):
        objective(make)
