"""Initial weights: their distributions, as torch.nn.init states them, and that a trial's are its own."""

import math

import pytest
import torch
from torch import nn

from slalom_worker.initializations import INITIALIZATIONS
from slalom_worker.net.modules import initialise
from tests.workers.trials import objective, settings, trial, work

WIDE = nn.Linear(400, 300)


def drawn(scheme, module=WIDE, seed=0, **parameters):
    initialise(module, INITIALIZATIONS[scheme], parameters, seed)
    return module.weight.detach().clone()


def deviation(reference):
    """The standard deviation that torch's own function gives."""
    weight = torch.empty(300, 400)
    reference(weight)
    return float(weight.std())


KNOWN = {
    "lecun": (1 / math.sqrt(400), None),
    "he": (deviation(lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu")), None),
    "xavier": (deviation(nn.init.xavier_uniform_), math.sqrt(6 / 700)),
    "uniform": (0.7 / math.sqrt(3), 0.7),
    "zero": (0.0, 0.0),
}


@pytest.mark.parametrize("scheme", KNOWN)
def test_weights_are_spread_as_the_scheme_says(scheme):
    spread, limit = KNOWN[scheme]
    weight = drawn(scheme, range=0.7)
    assert float(weight.std()) == pytest.approx(spread, rel=0.01)
    assert abs(float(weight.mean())) < 0.01
    if limit is not None:
        assert weight.abs().max() <= limit
    if scheme in ("lecun", "he"):
        assert weight.abs().max() > 3 * spread, "a normal distribution has tails"


def test_every_scheme_is_known_here():
    assert KNOWN.keys() == INITIALIZATIONS.keys() - {"fan_in"}


def test_biases_start_at_zero_but_in_the_old_way():
    drawn("he")
    assert not WIDE.bias.any()
    drawn("uniform", range=0.1)
    assert WIDE.bias.any()
    assert WIDE.bias.abs().max() <= 0.1


def test_a_convolution_counts_what_its_kernel_reaches():
    assert float(drawn("lecun", nn.Conv2d(30, 50, 5)).std()) == pytest.approx(1 / math.sqrt(30 * 25), rel=0.01)


def test_a_layer_that_normalises_is_left_alone():
    module = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4))
    initialise(module, INITIALIZATIONS["zero"], {}, 0)
    assert module[1].weight.eq(1).all()


def test_fan_in_is_the_module_as_torch_starts_it():
    program = objective(work())
    assert torch.equal(program.initial(3), program.initial(3, {"scheme": "fan_in"}))


def test_a_trials_weights_come_from_its_seed_alone():
    program = objective(work())
    he = {"scheme": "he"}
    assert torch.equal(program.initial(3, he), program.initial(3, he))
    assert not torch.equal(program.initial(3, he), program.initial(4, he))


def test_a_study_s_word_reaches_the_weights():
    from slalom_worker.training.slot import Slot
    from tests.workers.trials import order

    chosen = settings("sgd", initialization={"scheme": "zero"})
    slot = Slot.start(order(trial(0, work(), chosen)), objective(work()))
    assert not slot.tensors["parameters"].any()
