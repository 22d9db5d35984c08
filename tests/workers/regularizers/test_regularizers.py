"""Dropout layer by layer, weight decay of the summed loss, data made redundant, activations' derivatives."""

import numpy as np
import pytest
import torch

from slalom_worker.models.activations import ACTIVATIONS
from slalom_worker.net.examples import Batch
from slalom_worker.net.objective import Objective
from slalom_worker.regularizers import decay_factor
from slalom_worker.tasks import Data, Split
from slalom_worker.training import streams
from tests.workers.cases import DATA, clouds_objective, clouds_work
from tests.workers.checks import train
from tests.workers.trials import CPU, settings, trial


def test_kept_units_are_scaled_by_what_is_kept():
    masks = streams.Masks(torch.tensor([0.3, 0.0]), [1, 2], (500,), 100).draw(0)
    kept = masks[0] > 0
    assert float(kept.double().mean()) == pytest.approx(0.7, abs=0.01)
    assert masks[0][kept].unique().tolist() == pytest.approx([1 / 0.7])
    assert float(masks[0].mean()) == pytest.approx(1.0, abs=0.02)
    assert torch.equal(masks[1], torch.ones(100, 500))


def test_each_hidden_layer_has_its_own_rate():
    program = clouds_objective(clouds_work(hidden=(6, 4)))
    rates = program.rates([settings("sgd", hidden_dropout={"1": 0.2, "2": 0.6}, input_dropout=0.1)])
    assert sorted(rates.values()) == [[0.1], [0.2], [0.6]]
    one, other = (train(program, [trial(0, program.work, settings("sgd", hidden_dropout=rate))])[0] for rate in (
        {"1": 0.3, "2": 0.3}, 0.3,
    ))  # fmt: skip
    assert torch.equal(one.tensors["parameters"], other.tensors["parameters"])


def test_rate_zero_in_every_layer_is_the_net_without():
    program = clouds_objective(clouds_work(hidden=(6, 4)))
    none, zero = (train(program, [trial(0, program.work, settings("adam", hidden_dropout=rate))])[0] for rate in (
        0.0, {"1": 0.0, "2": 0.0},
    ))  # fmt: skip
    assert torch.equal(none.tensors["parameters"], zero.tensors["parameters"])


def test_decay_of_the_summed_loss_has_its_gradient():
    """Grad of (sum of losses + lambda * sum(w^2)) / n, biases included: 1e-10."""
    program, penalty = clouds_objective(clouds_work(batch_size=None)), 0.02
    count = len(DATA.train.labels)
    start = program.initial(0)
    weights = list(program.views(start.unsqueeze(0)).values())
    into = [torch.zeros_like(weight) for weight in weights]
    every = torch.arange(count).unsqueeze(0)
    program.gradient(weights, Batch(program.train.take(every), program.train.labels[every], {}), into)
    found = (
        torch.cat([part.flatten() for part in into]) + decay_factor({"of": "summed", "value": penalty}, count) * start
    )
    leaf = start.clone().requires_grad_()
    (outputs,) = program.forward.in_training(program.views(leaf), program.train.inputs)
    summed = torch.nn.functional.cross_entropy(outputs, program.train.labels, reduction="sum")
    (wanted,) = torch.autograd.grad((summed + penalty * leaf.square().sum()) / count, leaf)
    assert torch.allclose(found, wanted, rtol=0, atol=1e-10)
    assert decay_factor({"of": "mean", "value": 0.1}, count) == 0.1


def replicated(times):
    split = DATA.train
    train_split = Split(np.tile(split.inputs, (times, 1)), np.tile(split.labels, times))
    return Data(train_split, DATA.validation, DATA.test, DATA.classes)


def trained(data, batch_size, chosen, epochs):
    work = clouds_work(batch_size=batch_size)
    (slot,) = train(Objective(work, data, None, CPU), [trial(0, work, chosen, epochs=epochs)])
    return slot


def test_a_batch_learns_nothing_from_data_that_repeat_themselves():
    chosen = settings("momentum", learning_rate=0.1)
    once, ten = (trained(data, None, chosen, 50).tensors["parameters"] for data in (DATA, replicated(10)))
    assert torch.allclose(once, ten, rtol=0, atol=1e-10)


def test_a_stochastic_epoch_of_data_ten_times_over_does_the_work_of_ten():
    chosen = settings("sgd", learning_rate=0.02)
    start, ten_epochs = (trained(DATA, 1, chosen, epochs).loss for epochs in (1, 11))
    one_epoch = trained(replicated(10), 1, chosen, 2).loss
    assert one_epoch - ten_epochs < 0.1 * (start - ten_epochs)


DERIVATIVES = {
    "tanh": lambda x: 1 - np.tanh(x) ** 2,
    "logistic": lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2,
    "relu": lambda x: (x > 0).astype(float),
    "scaled_tanh": lambda x: 1.7159 * 2 / 3 * (1 - np.tanh(2 / 3 * x) ** 2),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_has_its_derivative(name):
    points = torch.linspace(-6, 6, 1001, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(ACTIVATIONS[name]()(points).sum(), points)
    wanted = DERIVATIVES[name](points.detach().numpy())
    assert np.allclose(found.numpy(), wanted, rtol=0, atol=1e-12)
