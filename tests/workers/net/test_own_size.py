"""Nets that are too large for a lane: refused by their number of parameters, before these take memory."""

import resource
from dataclasses import replace

import pytest
import torch
from torch import nn

import slalom
from slalom.errors import InputError, StudyError
from slalom.wire.kinds import MOST_WEIGHTS
from slalom_worker.net.own_size import check_size
from tests.support.tiers import few
from tests.workers.net.own_nets import WORK, Own

RULE = "must have at most 100,000,000 parameters, which a lane can hold, but has "
TENSORS = "must have at most 10,000 tensors of parameters, but has more$"


def checked(make, **options):
    task = Own(make)
    check_size(replace(WORK, model={"name": "task", **options}), task.load(), task)


def peak():
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


class Tied(nn.Module):
    """Twice the same 60 million, which are one parameter."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Embedding(6 * 10**6, 10), nn.Linear(10, 6 * 10**6, bias=False)
        self.other.weight = self.one.weight


def endless():
    return nn.Sequential(*(nn.Linear(4, 4) for _ in range(10**9)))


def by_numbers():
    """Looks at a number, which a tensor without numbers has not."""
    torch.ones(1).item()
    return nn.Sequential(*(nn.Linear(3000, 3000, bias=False) for _ in range(10**6)))


@pytest.mark.parametrize(
    ("make", "has"),
    [
        (lambda: nn.Linear(10**6, 10**6), "1,000,001,000,000$"),
        (lambda: nn.Linear(4, 10**12), "5,000,000,000,000$"),
        (lambda: nn.Sequential(nn.Linear(40_000, 40_000), nn.Linear(40_000, 2)), "1,600,120,002$"),
        (lambda: nn.Sequential(nn.LazyLinear(30_000), nn.LazyLinear(30_000)), "900,180,000$"),
        (endless, None),
        (by_numbers, "more$"),
    ],
)
def test_a_net_that_no_lane_holds_is_refused_before_it_takes_memory(make, has):
    before = peak()
    with pytest.raises(InputError, match=TENSORS if has is None else RULE + has):
        checked(make)
    assert peak() - before < 8 * MOST_WEIGHTS


@pytest.mark.parametrize("make", [Tied, lambda: nn.LazyLinear(2)])
def test_a_net_that_a_lane_holds_passes(make):
    state = torch.get_rng_state()
    checked(make)
    assert torch.equal(torch.get_rng_state(), state)


FILE = """
import numpy as np
import torch
from torch import nn

from slalom_worker.tasks import Data, Split

table = []

class Cats:
    def __init__(self, shift=0):
        self.shift = shift

    def load(self):
        labels = np.arange(96) % 2
        inputs = np.random.default_rng(0).normal(size=(96, 4)).astype(np.float32)
        return Data(*[Split(inputs, labels)] * 3, classes=2)

    def model(self, width, depth=1):
        if not table:
            table.append(torch.ones(4))
        assert width % 2 == 0, f"{width} is odd"
        assert self.shift < 2, "shifted"
        inner = [layer for _ in range(depth - 1) for layer in (nn.Tanh(), nn.Linear(width, width))]
        net = nn.Sequential(nn.Linear(4, width), *inner, nn.Tanh(), nn.Linear(width, 2))
        net[0].weight.data.add_(table[0])
        return net
"""
STUDY = {
    "name": "cats",
    "question": "?",
    "task": "cats.py:Cats",
    "training": {"epochs": 1, "batch_size": 16, "optimizer": "sgd", "learning_rate": 0.1},
    "arms": {"plain": {}, "heavy": {"optimizer": "momentum"}},
    "tune": {"trials": 2, "searches": 6, "pick": "none"},
    "confirm": {"seeds": 1},
    "compare": {"baseline": "plain"},
}


@pytest.fixture
def cats(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cats.py").write_text(FILE)
    return lambda **document: slalom.Study(**{**STUDY, **document})


@pytest.mark.parametrize(("ends", "odd"), few([([7, 32], 7), ([8, 33], 33)]))
def test_a_net_is_tried_at_both_ends_of_what_a_search_alone_provides(cats, ends, odd):
    assert cats(search={"width": {"int": [8, 32]}}).arms
    with pytest.raises(StudyError, match=rf"task: .*model\(\) must not raise, .* {odd} is odd"):
        cats(search={"width": {"int": ends}})


@pytest.mark.thorough
def test_the_net_of_an_arm_with_options_of_the_task_is_tried_with_them(cats):
    arms = {"plain": {}, "shifted": {"task": {"shift": 1}}}
    assert cats(model={"width": 8}, arms=arms).arms
    arms["shifted"] = {"task": {"shift": 2}}
    with pytest.raises(
        StudyError, match=r"^arms\.shifted: .*model\(\) must not raise, but got AssertionError: shifted"
    ):
        cats(model={"width": 8}, arms=arms)


@pytest.mark.thorough
def test_whole_numbers_of_a_net_that_are_huge_are_refused(cats):
    with pytest.raises(StudyError, match=RULE + "1,000,008,000,002$"):
        cats(search={"width": {"int": [8, 10**6]}}, model={"depth": 2})
    with pytest.raises(StudyError, match=RULE + r"7,000,000,000,002$"):
        cats(model={"width": 10**12})
    with pytest.raises(StudyError, match=TENSORS):
        cats(model={"width": 8, "depth": 10**12})
    for huge in (10**18, 10**30):
        with pytest.raises(StudyError, match=r"task: .*model\(\) must not raise, but got "):
            cats(model={"width": huge})


@pytest.mark.thorough
def test_layers_are_counted_with_the_options_of_the_net(cats):
    rates = {"training": {**STUDY["training"], "layer_rates": [1, 2, 4]}}
    assert cats(model={"width": 8, "depth": 2}, **rates).arms
    with pytest.raises(StudyError, match="layer_rates must list a number for each of 2 layers, got 3"):
        cats(model={"width": 8}, **rates)
    with pytest.raises(StudyError, match="layer_rates must list a number for each of 2 layers, got 3"):
        cats(model={"width": 8}, search={"depth": {"choice": [2, 1]}}, **rates)
