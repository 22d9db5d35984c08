"""Which way a net is computed, by the kind of device: a GPU has no tails of vectors, so fewer nets go slot by slot."""

from __future__ import annotations

import pytest
import torch

from slalom_worker.lane.device import open_device
from slalom_worker.program import ways
from slalom_worker.program.ways import Way, find_way
from tests.workers.trials import objective, work

STACKED_ON_A_GPU = ("elu", "gelu", "mish", "selu", "sigmoid", "silu", "softplus")


def slopes(activation):
    """A function as `find_way` takes it: the activation's gradient, for slots [E, n]."""

    def function(way, values):
        def of_one(stacks, inputs):
            return [torch.func.grad(lambda x: getattr(torch.nn.functional, activation)(x).sum())(inputs)]

        return way.over_slots(of_one, {"values": values}, values)

    return function


@pytest.mark.parametrize("activation", STACKED_ON_A_GPU)
def test_an_elementwise_net_is_stacked_where_there_are_no_tails(monkeypatch, activation):
    stacks = [torch.randn(2, 7)]
    assert find_way(slopes(activation), stacks) is Way.APART
    monkeypatch.setattr(ways, "even", lambda _, even=ways.even: even("cuda"))
    assert find_way(slopes(activation), stacks) is Way.STACKED


def test_what_nets_share_goes_slot_by_slot_on_a_gpu_too():
    assert not {"mm", "addmm", "convolution"} & ways.even("cuda")
    assert ways.even("cpu") == ways.EVEN


@pytest.mark.cuda
@pytest.mark.parametrize("activation", STACKED_ON_A_GPU)
def test_an_element_has_the_same_bits_at_every_width(activation):
    device = open_device("gpu")
    values = torch.randn(513, 4099, device=device)
    of_all = getattr(torch.nn.functional, activation)(values)
    for slot in (0, 1, 255, 512):
        assert torch.equal(getattr(torch.nn.functional, activation)(values[slot : slot + 1].clone())[0], of_all[slot])


@pytest.mark.cuda
def test_a_sigmoid_net_is_stacked_on_a_gpu():
    assert objective(work(activation="sigmoid"), open_device("gpu")).way is Way.STACKED
