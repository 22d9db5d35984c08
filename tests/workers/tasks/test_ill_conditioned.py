from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.autograd.functional import hessian

from slalom_worker.tasks.ill_conditioned import IllConditioned

GOAL = 1e-6
"""Of the first gradient's norm."""


def quadratic(task: IllConditioned) -> tuple[np.ndarray, np.ndarray]:
    """The Hessian [d, d] and the gradient [d] at w = 0 of half the mean squared error, by autograd."""
    inputs, targets = (torch.tensor(part).double() for part in task.load().train[:2])

    def loss(weights: torch.Tensor) -> torch.Tensor:
        return (targets - inputs @ weights).square().mean() / 2

    start = torch.zeros(task.dimensions, 1, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(loss(start), start)
    square = hessian(loss, start.detach()).reshape(task.dimensions, task.dimensions)
    return square.numpy(), gradient.flatten().numpy()


def steps(task: IllConditioned, rate: float, momentum: float) -> int:
    """Updates of w <- w + v, v <- momentum * v - rate * gradient, from w = 0 to the goal."""
    square, first = quadratic(task)
    position = velocity = np.zeros_like(first)
    done, gradient = 0, first
    while np.linalg.norm(gradient) > GOAL * np.linalg.norm(first):
        velocity = momentum * velocity - rate * gradient
        position = position + velocity
        gradient = first + square @ position
        done += 1
    return done


@pytest.mark.parametrize("condition", [1.0, 10.0, 1000.0])
def test_hessian_and_gradient_of_two_dimensions(condition: float) -> None:
    square, gradient = quadratic(IllConditioned(condition))
    np.testing.assert_allclose(square, np.diag([1, condition]), rtol=1e-6, atol=0)
    np.testing.assert_allclose(gradient, -1, rtol=1e-6)


def test_more_dimensions_are_spread_on_a_log_scale() -> None:
    square, gradient = quadratic(IllConditioned(1000.0, dimensions=4))
    np.testing.assert_allclose(square, np.diag([1, 10, 100, 1000]), rtol=1e-6, atol=0)
    np.testing.assert_allclose(gradient, -1, rtol=1e-6)


@pytest.mark.parametrize(("condition", "expected"), [(10, 69), (100, 691), (1000, 6908)])
def test_steps_of_gradient_descent(condition: float, expected: int) -> None:
    assert steps(IllConditioned(condition), 2 / (1 + condition), 0.0) == expected


@pytest.mark.parametrize(("condition", "expected"), [(10, 27), (100, 93), (1000, 315)])
def test_steps_of_heavy_ball(condition: float, expected: int) -> None:
    root = condition**0.5
    taken = steps(IllConditioned(condition), 4 / (1 + root) ** 2, ((root - 1) / (root + 1)) ** 2)
    assert taken == pytest.approx(expected, abs=2)


def test_all_splits_are_the_noise_free_examples() -> None:
    data = IllConditioned(100.0, dimensions=3).load()
    assert (data.shape, data.outputs, data.classes, data.facts) == ((3,), 1, None, {"condition": 100.0})
    solution = np.linalg.solve(data.train.inputs.astype(np.float64), data.train.labels)
    np.testing.assert_allclose(solution[:, 0], [1, 0.1, 0.01], rtol=1e-6)
    assert data.train is data.validation is data.test


def test_the_worst_condition_is_within_float32() -> None:
    inputs, targets, _ = IllConditioned(1e12, dimensions=1000).load().train
    assert np.linalg.matrix_rank(inputs, tol=0) == 1000
    assert (targets > 0).all()


def test_digest_follows_the_options() -> None:
    tasks = (IllConditioned(), IllConditioned(10.0), IllConditioned(dimensions=3))
    assert len({task.load().digest() for task in tasks}) == 3
