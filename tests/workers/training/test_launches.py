"""What a step asks of a GPU, counted on a CPU: operations, each a launch there, waits, and bytes that cross.

The pack is told that its device is no CPU where that changes what it does.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from slalom_worker.methods import Methods
from slalom_worker.net.objective import Objective
from slalom_worker.optimizers import OPTIMIZERS
from slalom_worker.own_file import load_module
from slalom_worker.program.looking import LOOKING, leaving
from slalom_worker.tasks import open_task
from slalom_worker.training import group, streams
from slalom_worker.training import pack as packs
from slalom_worker.training.pack import Pack
from slalom_worker.training.slot import Slot
from tests.repository.test_documents_run import blocks
from tests.support.tiers import few
from tests.workers.trials import CPU, objective, order, settings, trial, work

PAGE = Path(__file__).parents[3] / "docs" / "adding-a-method.md"
OWN, PACKAGED = "lion.py:LION", "lion"

WIDTHS = (1, 8, 512)

OPERATIONS = 80
"""At most in a step of a 64-32-10 net, whatever the width; those before an epoch's first step shared out."""

BYTES = 8
"""At most of an example and slot in an epoch."""

FREE = {"empty", "empty_like", "empty_strided", "new_empty", "lift_fresh", "detach", "randperm"}
"""Operations that launch nothing, beside views; orders of examples are drawn by the host."""

TRIALS = {
    "sgd": settings("sgd"),
    "momentum": settings("momentum", momentum=0.9, weight_decay=1e-4),
    "adam": settings("adam", learning_rate=0.01),
    "adamw, decaying": settings("adamw", learning_rate_schedule={"schedule": "step", "drops": 2, "factor": 0.1}),
    "dropout": settings("momentum", momentum=0.9, hidden_dropout=0.5, input_dropout=0.2),
}


class Launches(TorchDispatchMode):
    """Counts operations but views, and how often code looks at a number."""

    def __init__(self):
        super().__init__()
        self.done, self.looks = Counter(), Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func._schema.name.removeprefix("aten::")
        if name in LOOKING:
            self.looks[name] += 1
        elif not func.is_view and name not in FREE:
            self.done[name] += 1
        return func(*args, **(kwargs or {}))


class Crossing(TorchFunctionMode):
    """Counts the bytes of tensors that are made from Python's numbers, or sent to a device that is named."""

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        named = [*args, *(kwargs or {}).values()]
        sent = func is torch.Tensor.to and any(isinstance(one, torch.device) for one in named)
        if sent or func in (torch.tensor, torch.Tensor.new_tensor):
            self.bytes += result.nbytes
        return result


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Updates in one block, masks of all slots at once, and orders drawn ahead."""
    monkeypatch.setattr(packs, "DRAWING_AHEAD", ("cpu",))
    monkeypatch.setattr(group, "BLOCK_PARAMETERS", {})
    monkeypatch.setattr(streams, "OWN_GENERATORS", ())


def seated(chosen, width, program=None):
    of = work()
    program = program or objective(of)
    pack = Pack(program)
    pack.seat([Slot.start(order(trial(number, of, chosen)), program) for number in range(width)])
    pack.advance()  # records the programs
    return pack


@pytest.mark.parametrize("width", few(WIDTHS))
@pytest.mark.parametrize("name", TRIALS)
def test_a_step_takes_few_launches_at_any_width(as_on_a_gpu, name, width):
    pack = seated(TRIALS[name], width)
    with Launches() as launches:
        pack.advance()
    assert launches.done.total() <= OPERATIONS * pack.objective.batching.steps, launches.done.most_common(12)


@pytest.fixture
def lion(tmp_path, monkeypatch):
    """A program that knows the Lion of docs/adding-a-method.md beside a study file, and as one of the package's."""
    (tmp_path / "lion.py").write_text(blocks(PAGE, "python")[0])
    methods, of = Methods.beside(tmp_path), work()
    monkeypatch.setitem(OPTIMIZERS, OWN, methods.optimizer[OWN])
    monkeypatch.setitem(OPTIMIZERS, PACKAGED, load_module(tmp_path / "lion.py").LION)
    task = open_task(of.task, Path())
    return Objective(of, task.load(), task, CPU, methods)


@pytest.mark.parametrize("device", ["cpu", "gpu"])
@pytest.mark.parametrize("width", [1, 8])
def test_a_users_optimizer_takes_no_more_operations_than_one_of_the_package(lion, width, device, request):
    """What its speed comes of, whatever the machine: a step's operations, and what it looks at."""
    if device == "gpu":
        request.getfixturevalue("as_on_a_gpu")
    done = {}
    for name in (OWN, PACKAGED, "adam"):
        pack = seated(settings(name), width, lion)
        with Launches() as launches:
            pack.advance()
        done[name] = launches.done
        assert not launches.looks
    assert done[OWN] == done[PACKAGED]
    assert done[OWN].total() < done["adam"].total()


@pytest.mark.parametrize("name", TRIALS)
def test_an_epoch_waits_for_the_device_once(as_on_a_gpu, name):
    pack, left = seated(TRIALS[name], 8), []
    with leaving(left.append), Launches() as launches:
        pack.advance()
    assert (left, launches.looks) == (["tolist"], {})


ORDERED = [
    settings("adam", learning_rate=0.01),
    settings("adam", learning_rate=0.01, order="once"),
    settings("sgd", emphasis={"scheme": "class_balanced", "strength": 0.7, "by": "sampling"}),
]


def test_orders_are_drawn_while_the_epoch_before_is_trained(monkeypatch):
    """An emphasized slot's are not, since the nets may decide them; and where none is drawn ahead it is the same."""
    real, drawn, found = streams.order, [], []
    monkeypatch.setattr(streams, "order", lambda *given: drawn.append(given[1]) or real(*given))
    for kinds in ((), ("cpu",)):
        monkeypatch.setattr(packs, "DRAWING_AHEAD", kinds)
        of = work()
        program = objective(of)
        pack = Pack(program)
        pack.seat([Slot.start(order(trial(n, of, one, epochs=3)), program) for n, one in enumerate(ORDERED)])
        epochs = []
        for _ in range(3):
            pack.advance()
            epochs.append(sorted(drawn))
            drawn.clear()
        found.append((epochs, pack.stack.parameters))
    (plain, numbers), (ahead, same) = found
    assert plain == [[0, 0, 0], [0, 1, 1], [0, 2, 2]]
    assert ahead == [[0, 0, 0, 0, 1], [0, 1, 2], [2]]
    assert torch.equal(numbers, same)


@pytest.mark.parametrize("name", TRIALS)
@pytest.mark.parametrize("width", few([8, 64]))
def test_little_crosses_to_the_device_in_an_epoch(as_on_a_gpu, name, width):
    pack = seated(TRIALS[name], width)
    with Crossing() as crossing:
        pack.advance()
    assert crossing.bytes <= BYTES * pack.objective.batching.examples * width


def test_a_gpus_draws_are_splitmix64s():
    """By Python's own whole numbers, from any place of a stream, and for each slot by its seed alone."""

    def reference(seed, place):
        z = (seed + (place + 1) * 0x9E3779B97F4A7C15) % 2**64
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        return (z ^ z >> 31) >> 11

    seeds = [0, 1, 2**63 - 1, 2**64 - 1]
    signed = torch.tensor([seed - 2**64 if seed >= 2**63 else seed for seed in seeds])
    found = streams.uniform(signed, 5, 3, torch.float64)
    assert found.tolist() == [[reference(seed, place) * 2.0**-53 for place in (5, 6, 7)] for seed in seeds]
    assert torch.equal(streams.uniform(signed[2:3], 6, 1, torch.float64), found[2:3, 1:2])
    single = streams.uniform(signed, 0, 10_000, torch.float32)
    assert single.min() >= 0
    assert single.max() < 1
    assert (single.mean(1) - 0.5).abs().max() < 0.02


def test_masks_of_all_slots_at_once_drop_each_slots_share(as_on_a_gpu):
    rates = torch.tensor([0.3, 0.0, 0.9])
    masks = streams.Masks(rates, [1, None, 2], (500,), 100)
    first, second = masks.draw(0), masks.draw(1)
    assert first.eq(0).float().mean((1, 2)).tolist() == pytest.approx([0.3, 0.0, 0.9], abs=0.02)
    assert not torch.equal(first[0], second[0])
    assert first[0].max() == pytest.approx(1 / 0.7)
    assert torch.equal(streams.Masks(rates[:1], [1], (500,), 100).draw(0)[0], first[0])
