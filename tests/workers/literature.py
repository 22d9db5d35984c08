"""Every method of the product's tables as its source states it, in Python floats and torch.optim.

One line here for a line there: test_equivalence.py fails for a method, a hyperparameter or an activation that has
no reference. `settings` are what the suite trains with; together they name every parameter of the method.
"""

from itertools import pairwise
from math import cos, floor, log2, pi, prod
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn


class Method(NamedTuple):
    """make(groups, chosen) gives the torch optimizer; rate: a learning rate at which the suite's net learns.

    begin(optimizer, net, inputs): called before each epoch with the trial's sample of the training examples
    """

    make: Any
    rate: float
    settings: tuple[dict[str, float], ...] = ({},)
    begin: Any = None


def sgd(groups, chosen):
    return torch.optim.SGD(groups, foreach=False)


def nesterov(groups, chosen):
    return torch.optim.SGD(groups, momentum=0.5, nesterov=True, foreach=False)  # the momentum is set at every step


class AlexNet(torch.optim.Optimizer):
    """v <- momentum * v - rate * (g + decay * w); w <- w + v, which torch.optim has not."""

    def __init__(self, groups):
        super().__init__(groups, {"momentum": 0.9})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for w in group["params"]:
                slope = w.grad + group["weight_decay"] * w
                v = group["momentum"] * self.state[w].get("v", 0) - group["lr"] * slope
                self.state[w]["v"] = v
                w += v


def alexnet(groups, chosen):
    return AlexNet(groups)


def rmsprop(groups, chosen, centered=False):
    smoothing, epsilon = chosen["smoothing"], chosen["epsilon"]
    return torch.optim.RMSprop(groups, alpha=smoothing, eps=epsilon, centered=centered, foreach=False)


def rmsprop_centered(groups, chosen):
    return rmsprop(groups, chosen, centered=True)


def adagrad(groups, chosen):
    return torch.optim.Adagrad(groups, eps=chosen["epsilon"], foreach=False)


def adam(groups, chosen, make=torch.optim.Adam, **options):
    betas = (chosen["beta1"], chosen["beta2"])
    return make(groups, betas=betas, eps=chosen["epsilon"], foreach=False, **options)


def adamw(groups, chosen):
    return adam(groups, chosen, torch.optim.AdamW)


def amsgrad(groups, chosen):
    return adam(groups, chosen, amsgrad=True)


class LevenbergMarquardt(torch.optim.Optimizer):
    """w <- w - rate / (mu + h) * g, with what `estimate` finds for h."""

    def __init__(self, groups, chosen):
        super().__init__(groups, {"mu": chosen["mu"]})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                gradient = p.grad + group["weight_decay"] * p
                p -= group["lr"] / (group["mu"] + self.state[p]["h"]) * gradient

    def estimate(self, net, inputs):
        """The recursion of LeCun et al. 1998, "Efficient BackProp", in a PlainMLP with cross-entropy."""
        met, slopes = [inputs.flatten(1)], []
        for number, layer in enumerate(net.layers, 1):
            a = layer(met[-1]).detach().requires_grad_()
            if number < len(net.layers):
                y = net.activation(a)
                slopes.append(torch.autograd.grad(y.sum(), a)[0])
                met.append(y.detach())
        p = a.detach().softmax(1)
        h = (p - p**2) / len(inputs)
        for number in reversed(range(len(net.layers))):
            layer = net.layers[number]
            self.state[layer.weight]["h"], self.state[layer.bias]["h"] = h.mT @ met[number] ** 2, h.sum(0)
            if number:
                h = slopes[number - 1] ** 2 * (h @ layer.weight.detach() ** 2)


SMOOTHING = ({}, {"smoothing": 0.9, "epsilon": 1e-4})
BETAS = ({}, {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-4})

OPTIMIZERS = {
    "sgd": Method(sgd, 0.2),
    "momentum": Method(sgd, 0.05),
    "nesterov": Method(nesterov, 0.05),
    "alexnet": Method(alexnet, 0.05),
    "rmsprop": Method(rmsprop, 0.003, SMOOTHING),
    "rmsprop_centered": Method(rmsprop_centered, 0.003, SMOOTHING),
    "adagrad": Method(adagrad, 0.03, ({}, {"epsilon": 1e-2})),
    "adam": Method(adam, 0.01, BETAS),
    "adamw": Method(adamw, 0.01, BETAS),
    "amsgrad": Method(amsgrad, 0.01, BETAS),
    "levenberg_marquardt": Method(
        LevenbergMarquardt, 0.02, ({}, {"mu": 0.1, "sample": 50}), LevenbergMarquardt.estimate
    ),
}


class Moment(NamedTuple):
    """step: updates before this one, of `steps`; ratio: smoothed gradient norm over the largest it has been."""

    step: int
    steps: int
    ratio: float


class Curve(NamedTuple):
    """value(moment, chosen): the momentum, or what the learning rate is multiplied by."""

    value: Any
    settings: tuple[dict[str, float], ...] = ({},)


def gradient_norm(at, chosen):
    return chosen["start"] + (1 - at.ratio) * (chosen["end"] - chosen["start"])


def linear(at, chosen):
    risen = at.step / (chosen["share"] * at.steps)
    return chosen["end"] if risen >= 1 else (1 - risen) * chosen["start"] + risen * chosen["end"]


def sutskever(at, chosen):
    return min(1 - 2 ** (-1 - log2(floor(at.step / 250) + 1)), chosen["end"])


def cosine(at, chosen):
    return chosen["end"] + (1 - chosen["end"]) * 0.5 * (1 + cos(pi * at.step / at.steps))


def step(at, chosen):
    """One factor for each drop that is behind."""
    drops = [number * at.steps / (chosen["drops"] + 1) for number in range(1, chosen["drops"] + 1)]
    return prod(chosen["factor"] for drop in drops if drop <= at.step)


def inverse_time(at, chosen):
    tau = chosen["tau"] * at.steps
    return tau / (tau + at.step)


def warm_up(at, chosen):
    return min(1.0, (1 + at.step) / chosen["share"] / at.steps)


def first_step(at, chosen):
    return chosen["factor"] if at.step == 0 else 1.0


def sequence(at, chosen):
    """A warm-up within its share, then a cosine over the rest."""
    start = chosen["1.share"] * at.steps
    if at.step < start:
        return warm_up(at._replace(steps=start), {"share": 1.0})
    return cosine(at._replace(step=at.step - start, steps=at.steps - start), {"end": chosen["2.end"]})


WARM_UP_COSINE = {"1.schedule": "warm_up", "1.share": 0.15, "2.schedule": "cosine", "2.end": 0.05}

MOMENTUM_SCHEDULES = {
    "constant": Curve(lambda _, chosen: chosen["value"], ({"value": 0.8}, {"value": 0.0})),
    "linear": Curve(linear, ({"start": 0.5, "end": 0.9, "share": 0.6},)),
    "gradient_norm": Curve(gradient_norm, ({"start": 0.5, "end": 0.9},)),
    "sutskever": Curve(sutskever, ({"end": 0.9}, {"end": 0.7})),
}
RATE_SCHEDULES = {
    "constant": Curve(lambda _, chosen: 1.0),
    "step": Curve(step, ({"factor": 0.3, "drops": 2},)),
    "cosine": Curve(cosine, ({"end": 0.1},)),
    "inverse_time": Curve(inverse_time, ({"tau": 0.1},)),
    "warm_up": Curve(warm_up, ({"share": 0.1},)),
    "first_step": Curve(first_step, ({"factor": 4.0},)),
    "sequence": Curve(sequence, (WARM_UP_COSINE,)),
}


class Scheme(NamedTuple):
    """weights(labels [n], misses [n], epoch, chosen): how much each example counts, any scale; None: all the same."""

    weights: Any
    settings: tuple[dict[str, float], ...] = ({},)


def class_balanced(labels, misses, epoch, chosen):
    return np.array([np.sum(labels == label) ** -chosen["strength"] for label in labels])


def misclassified(labels, misses, epoch, chosen):
    growth = [min((1 + chosen["strength"]) ** missed, chosen["cap"]) for missed in misses]
    return np.array(growth) if epoch >= chosen["warm_up"] else np.ones(len(labels))


EMPHASIS = {
    "uniform": Scheme(None),
    "class_balanced": Scheme(
        class_balanced, ({"strength": 1.0, "by": "sampling"}, {"strength": 0.5, "by": "weighting"})
    ),
    "misclassified": Scheme(
        misclassified,
        (
            {"strength": 0.5, "cap": 8.0, "warm_up": 2, "by": "sampling"},
            {"strength": 1.0, "cap": 5.0, "warm_up": 1, "by": "weighting"},
        ),
    ),
    "focal": Scheme(None, ({"focus": 2.0},)),
}

ACTIVATIONS = {
    "tanh": torch.tanh,
    "logistic": torch.sigmoid,
    "relu": torch.relu,
    "scaled_tanh": lambda x: 1.7159 * torch.tanh(2 / 3 * x),
}


class Each(NamedTuple):
    """value(outputs [B, k], labels [B], options): the loss of each example [B]."""

    value: Any
    settings: tuple[dict[str, Any], ...] = ({},)


def cross_entropy(outputs, labels, options):
    smoothing = options["label_smoothing"]
    return nn.functional.cross_entropy(outputs, labels, reduction="none", label_smoothing=smoothing)


def squared_error(outputs, labels, options):
    outputs = {"linear": lambda x: x, **ACTIVATIONS}[options["output"]](outputs)
    one_hot = nn.functional.one_hot(labels, outputs.shape[1])
    targets = torch.full_like(outputs, options["low"]).masked_fill(one_hot == 1, options["high"])
    return nn.functional.mse_loss(outputs, targets, reduction="none").sum(1) / 2


def radial(outputs, labels, options):
    """Equation 9 of LeCun et al. 1998, of penalties y that are minus the outputs."""
    y = -outputs
    own = y.gather(1, labels[:, None])[:, 0]
    return own + torch.log(torch.exp(torch.tensor(-options["j"], dtype=y.dtype)) + torch.exp(-y).sum(1))


LOSSES = {
    "cross_entropy": Each(cross_entropy, ({"label_smoothing": 0.0}, {"label_smoothing": 0.1})),
    "squared_error": Each(
        squared_error,
        (
            {"low": 0.0, "high": 1.0, "output": "linear"},
            {"low": -1.0, "high": 1.0, "output": "scaled_tanh"},
            {"low": -0.7, "high": 0.7, "output": "tanh"},
            {"low": 0.0, "high": 1.0, "output": "logistic"},
        ),
    ),
    "radial": Each(radial, ({"j": 1.0}, {"j": 0.1})),
}


class PlainMLP(nn.Module):
    """Layers as anyone writes them; `mask` is called with a dropout layer's name in the product's net."""

    def __init__(self, shape, classes, structure):
        super().__init__()
        widths = [int(np.prod(shape)), *structure["hidden"], classes]
        self.layers = nn.ModuleList(nn.Linear(one, other, structure["bias"]) for one, other in pairwise(widths))
        self.activation = ACTIVATIONS[structure["activation"]]

    def forward(self, x, mask=lambda name, x: x):
        x = mask("1.mask", x.flatten(1))
        for number, layer in enumerate(self.layers[:-1]):
            x = mask(f"{4 + 3 * number}.mask", self.activation(layer(x)))
        return self.layers[-1](x)


class Net(NamedTuple):
    """make(shape, classes, structure); structures: what the suite trains, without the activation."""

    make: Any
    structures: tuple[dict[str, Any], ...]


MODELS = {"mlp": Net(PlainMLP, ({"hidden": (7, 4)}, {"hidden": (3, 1), "bias": False}, {"hidden": ()}))}
