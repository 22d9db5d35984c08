"""The drop example that tells AlexNet's form of momentum from torch's, worked out by hand."""

import pytest
import torch

from slalom_worker.optimizers import OPTIMIZERS, Block
from slalom_worker.schedules import RATE_SCHEDULES, Clock

STEPS = 6


def walk(optimizer, schedule, **chosen):
    """Where a parameter is after each of 6 updates from 0; gradient 1, learning rate 0.1, momentum 0.5."""
    at = torch.arange(STEPS, dtype=torch.float64)
    given = {name: torch.full_like(at, number) for name, number in chosen.items()}
    factors = RATE_SCHEDULES[schedule].value(Clock(at, torch.full_like(at, STEPS), torch.ones_like(at)), given)
    here, found = torch.zeros(1, 1, dtype=torch.float64), []
    state = {"velocity": torch.zeros_like(here)}
    for factor in factors:
        columns = {"rate": (0.1 * factor).view(1, 1), "momentum": torch.full_like(here, 0.5)}
        none = torch.zeros_like(here)
        OPTIMIZERS[optimizer].update(Block(here, torch.ones_like(here), state, columns, none, none))
        found.append(here.item())
    return pytest.approx(found, abs=1e-15)


def test_at_a_constant_step_size_both_forms_go_the_same_way():
    """Speeds 0.1 * (1, 1.5, 1.75, 1.875, 1.9375, 1.96875), on their way to 0.1 / (1 - 0.5)."""
    way = [-0.1, -0.25, -0.425, -0.6125, -0.80625, -1.003125]
    assert walk("momentum", "constant") == way
    assert walk("alexnet", "constant") == way


def test_after_a_drop_alexnets_form_goes_on_at_the_old_speed():
    """The step size falls to 0.01 after three updates.

    torch's velocity is free of it, 1.875, 1.9375, 1.96875, so the speeds are a tenth at once: 0.01875, 0.019375,
    0.0196875. AlexNet's is the speed itself, 0.175 before the drop, and then 0.0875 + 0.01, 0.04875 + 0.01 and
    0.029375 + 0.01, which is 5, 3 and 2 times torch's.
    """
    before = [-0.1, -0.25, -0.425]
    drop = {"factor": 0.1, "drops": 1}
    assert walk("momentum", "step", **drop) == [*before, -0.44375, -0.463125, -0.4828125]
    assert walk("alexnet", "step", **drop) == [*before, -0.5225, -0.58125, -0.620625]


def test_a_larger_first_step_lasts_in_alexnets_form():
    """Twice the first step, 1 / (1 - 0.5): AlexNet's speed is 0.2 from the start; torch's 0.2, 0.15, 0.175, ..."""
    assert walk("alexnet", "first_step", factor=2.0) == [-0.2, -0.4, -0.6, -0.8, -1.0, -1.2]
    assert walk("momentum", "first_step", factor=2.0) == [-0.2, -0.35, -0.525, -0.7125, -0.90625, -1.103125]
