"""Schedules' values: as their sources' formulas and torch's schedulers give them, with the same bits in any pack."""

from itertools import combinations

import pytest
import torch

from slalom.wire.kinds import parts_of
from slalom_worker.schedules import MOMENTUM_SCHEDULES, RATE_SCHEDULES, Clock, sequence
from tests.workers import literature

PRODUCT = {**MOMENTUM_SCHEDULES, **{f"rate {name}": schedule for name, schedule in RATE_SCHEDULES.items()}}
REFERENCES = {
    **literature.MOMENTUM_SCHEDULES,
    **{f"rate {name}": curve for name, curve in literature.RATE_SCHEDULES.items()},
}
PARTS = [
    RATE_SCHEDULES[part["schedule"]]
    for part in parts_of({"schedule": "sequence", **literature.WARM_UP_COSINE}, "schedule")
]
PRODUCT["rate sequence"] = sequence(PARTS)
LENGTHS = (1, 7, 30, 264, 2001)
MANY = {
    "linear": [{"start": 0.5, "end": 0.9, "share": 1.0}, {"start": 0.9, "end": 0.1, "share": 1e-6}],
    "rate step": [{"factor": 0.1, "drops": 2}, {"factor": 0.3, "drops": 29}, {"factor": 1.0, "drops": 1}],
    "rate inverse_time": [{"tau": 2.0}, {"tau": 1e-6}],
    "rate warm_up": [{"share": 1.0}, {"share": 1e-6}],
    "rate first_step": [{"factor": 10.0}, {"factor": 1e-3}],
}


def clock(steps):
    """Every step of a training as a slot of its own, with a gradient that vanishes."""
    at = torch.arange(steps, dtype=torch.float64)
    return Clock(at, torch.full_like(at, steps), 1 - at / steps)


def value(name, at, chosen):
    """By the product; a parameter for each slot."""
    columns = {key: torch.full_like(at.steps, number) for key, number in chosen.items() if not isinstance(number, str)}
    return PRODUCT[name].value(at, columns)


@pytest.mark.parametrize("name", PRODUCT)
def test_values_are_those_of_the_source(name):
    for chosen in (*REFERENCES[name].settings, *MANY.get(name, [])):
        for steps in LENGTHS:
            at = clock(steps)
            moments = [literature.Moment(*moment) for moment in torch.stack(at).T.tolist()]
            wanted = [REFERENCES[name].value(moment, chosen) for moment in moments]
            assert value(name, at, chosen).tolist() == pytest.approx(wanted, rel=1e-12, abs=0)


@pytest.mark.parametrize("name", PRODUCT)
def test_a_value_has_the_same_bits_beside_any_others(name):
    """Epochs of 37 steps [steps, k], as a pack asks for them, of slots whose clocks are apart."""
    for chosen in (*REFERENCES[name].settings, *MANY.get(name, [])):
        whole = epoch(name, slice(None), chosen)
        for start, stop in combinations(range(SLOTS + 1), 2):
            assert torch.equal(epoch(name, slice(start, stop), chosen), whole[:, start:stop])


SLOTS = 17


def epoch(name, slots, chosen):
    first = torch.arange(SLOTS, dtype=torch.float64)[slots] * 3
    step = first + torch.arange(37, dtype=torch.float64).unsqueeze(1)
    return value(name, Clock(step, torch.full_like(first, 100), 1 - step / 100), chosen)


def torch_factors(make, steps):
    """What one of torch's schedulers multiplies the learning rate by, update by update."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler, found = make(optimizer), []
    for _ in range(steps):
        found += scheduler.get_last_lr()
        optimizer.step()
        scheduler.step()
    return found


schedulers = torch.optim.lr_scheduler


@pytest.mark.parametrize(
    ("name", "chosen", "make"),
    [
        ("step", {"factor": 0.1, "drops": 2}, lambda of: schedulers.StepLR(of, 100)),
        ("step", {"factor": 0.3, "drops": 6}, lambda of: schedulers.MultiStepLR(of, [43, 86, 129, 172, 215, 258], 0.3)),
        ("cosine", {"end": 0.1}, lambda of: schedulers.CosineAnnealingLR(of, 300, 0.1)),
        ("warm_up", {"share": 0.1}, lambda of: schedulers.LinearLR(of, 1 / 30, total_iters=29)),
        ("inverse_time", {"tau": 0.1}, lambda of: schedulers.LambdaLR(of, lambda t: 30 / (30 + t))),
        ("first_step", {"factor": 10.0}, lambda of: schedulers.LambdaLR(of, lambda t: 1.0 if t else 10.0)),
    ],
)
def test_values_are_those_of_torchs_schedulers(name, chosen, make):
    """Over 300 updates; drops that part them unevenly fall on the next whole one."""
    assert value(f"rate {name}", clock(300), chosen).tolist() == pytest.approx(torch_factors(make, 300), rel=1e-12)


def test_sutskevers_figures():
    found = value("sutskever", clock(1001), {"end": 0.9})
    assert found[[0, 249, 250, 500, 750, 1000]].tolist() == pytest.approx(
        [0.5, 0.5, 0.75, 5 / 6, 0.875, 0.9], abs=1e-12
    )
