from __future__ import annotations

from math import cos, pi

import numpy as np
import pytest
import torch

from slalom_worker.tasks.amsgrad_counterexample import AmsgradCounterexample

EPOCHS = 600


def test_gradients_are_those_of_the_paper() -> None:
    data = AmsgradCounterexample().load()
    inputs, targets, _ = data.train
    at_zero = (-inputs * targets)[:, 0]
    assert sorted(at_zero.tolist()) == [-10.0] * 100 + [1010.0]
    for weight in (-1.0, 1.0):
        slope = inputs * (inputs * weight - targets)
        assert np.abs(slope[:, 0] - at_zero).max() < 1e-3
        # the optimum within the bound is its lower end, since the mean gradient is above 0 everywhere
        assert slope.mean() == pytest.approx(10 / 101, rel=0.011)
    assert (data.bound, data.classes, data.outputs, data.shape) == (1.0, None, 1, (1,))


def test_validation_is_the_distance_to_the_optimum() -> None:
    data = AmsgradCounterexample().load()
    inputs, targets, _ = data.validation
    losses = [float(np.mean((targets - inputs * weight) ** 2) / 2) for weight in (-1.0, 0.0, 1.0)]
    assert losses == [0.0, 0.5, 2.0]
    assert data.test is data.validation


@pytest.mark.thorough
@pytest.mark.parametrize(("amsgrad", "low", "high"), [(False, 0.99, 1.0), (True, -1.0, -0.95)])
def test_adam_ends_at_the_wrong_end_and_amsgrad_near_the_optimum(amsgrad: bool, low: float, high: float) -> None:
    data = AmsgradCounterexample().load()
    inputs, targets = data.train.inputs[:, 0].tolist(), data.train.labels[:, 0].tolist()
    random = np.random.default_rng(0)
    weight = torch.zeros(1, requires_grad=True)
    adam = torch.optim.Adam([weight], lr=0.1, betas=(0.9, 0.99), amsgrad=amsgrad, foreach=False)
    falling = torch.optim.lr_scheduler.LambdaLR(adam, lambda step: (1 + cos(pi * step / (EPOCHS * 101))) / 2)
    for _ in range(EPOCHS):
        for i in random.permutation(101):
            weight.grad = inputs[i] * (inputs[i] * weight.detach() - targets[i])
            adam.step()
            falling.step()
            weight.data.clamp_(-data.bound, data.bound)
    assert low <= weight.item() <= high
