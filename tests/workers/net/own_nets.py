"""Nets as users bring them: small ones of every kind that is trained in a pack."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations

from slalom.wire.trial import Work
from slalom_worker.tasks import Data, Split

WORK = Work({"name": "own.py:Own"}, {"name": "task"}, 10)


class Own:
    """Two separable clouds of examples of a shape, and a net made by `make`; 67 examples leave 7 of batches of 10."""

    def __init__(self, make, shape=(4,), count=67):
        self.make, self.shape, self.count = make, shape, count

    def load(self):
        random = np.random.default_rng(0)
        labels = np.arange(self.count) % 2
        inputs = random.normal(size=(self.count, *self.shape)) + labels.reshape(-1, *(1 for _ in self.shape))
        return Data(*(Split(inputs.astype(np.float32), labels) for _ in range(3)), classes=2)

    def model(self):
        return self.make()


class Net(nn.Module):
    """A linear layer from 4 inputs to 2 classes, for nets that do something beside it."""

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(4, 2)

    def forward(self, inputs):
        return self.out(inputs)


def frozen():
    """Whose first layer is a random one for good."""
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    net[0].requires_grad_(False)
    return net


class Tied(Net):
    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Linear(4, 4), nn.Linear(4, 4)
        self.other.weight = self.one.weight

    def forward(self, inputs):
        return self.out(torch.tanh(self.other(torch.tanh(self.one(inputs)))))


class Twice(Net):
    """One dropout layer behind two layers of different widths."""

    def __init__(self):
        super().__init__()
        self.wide, self.narrow, self.out = nn.Linear(4, 8), nn.Linear(8, 5), nn.Linear(5, 2)
        self.drop = nn.Dropout(0.5)

    def forward(self, inputs):
        return self.out(self.drop(self.narrow(self.drop(torch.tanh(self.wide(inputs))))))


def repeated():
    """One dropout layer that stands at two places of a chain."""
    drop = nn.Dropout(0.3)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), drop, nn.Linear(8, 6), drop, nn.Linear(6, 2))


def normalised():
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))


def cumulated():
    """Batch normalisation that divides by its own counter."""
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8, momentum=None), nn.Linear(8, 2))


class Embedded(Net):
    """The classifier of short texts: words, their mean, a linear layer."""

    def __init__(self):
        super().__init__()
        self.words, self.out = nn.Embedding(10, 6), nn.Linear(6, 2)

    def forward(self, inputs):
        return self.out(self.words((3 * inputs).long().clamp(0, 9)).mean(1))


class Recurrent(Net):
    def __init__(self, kind=nn.LSTM, **options):
        super().__init__()
        self.cells, self.out = kind(1, 5, batch_first=True, **options), nn.Linear(5, 2)

    def forward(self, inputs):
        return self.out(self.cells(inputs.unsqueeze(-1))[0][:, -1])


class Attending(Net):
    def __init__(self, **options):
        super().__init__()
        self.lift, self.out = nn.Linear(1, 8), nn.Linear(8, 2)
        self.heads = nn.MultiheadAttention(8, 2, batch_first=True, **options)

    def forward(self, inputs):
        lifted = self.lift(inputs.unsqueeze(-1))
        return self.out(self.heads(lifted, lifted, lifted)[0].mean(1))


class Encoder(Attending):
    def __init__(self, dropout=0.0):
        super().__init__()
        self.heads = nn.TransformerEncoderLayer(8, 2, 16, dropout, batch_first=True)

    def forward(self, inputs):
        return self.out(self.heads(self.lift(inputs.unsqueeze(-1))).mean(1))


class Dropping(Net):
    """Calls dropout as a function, and drops a third number in three."""

    def forward(self, inputs):
        inputs = functional.dropout(inputs, 0.2, self.training)
        return self.out(functional.dropout(torch.tanh(inputs), 1 / 3, training=self.training))


class Averaging(Net):
    """Keeps a moving average of its inputs in a buffer, and gives it up by replacing the buffer."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(4))

    def forward(self, inputs):
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * inputs.mean(0)
        return self.out(inputs - self.mean)


class InPlace(Averaging):
    def forward(self, inputs):
        if self.training:
            self.mean.mul_(0.9).add_(inputs.mean(0), alpha=0.1)
        return self.out(inputs - self.mean)


class Flipping(Net):
    """Answers the other way round in evaluation."""

    def forward(self, inputs):
        return self.out(inputs) if self.training else self.out(inputs).flip(-1)


class Random(Net):
    """Multiplies by fixed random features, others for every seed."""

    def __init__(self):
        super().__init__()
        self.register_buffer("features", torch.randn(4, 4))

    def forward(self, inputs):
        return self.out(torch.tanh(inputs @ self.features))


def spectral():
    return nn.Sequential(parametrizations.spectral_norm(nn.Linear(4, 8)), nn.Tanh(), nn.Linear(8, 2))


def weighed():
    return nn.Sequential(parametrizations.weight_norm(nn.Linear(4, 8)), nn.Tanh(), nn.Linear(8, 2))


def lazy():
    return nn.Sequential(nn.LazyLinear(8), nn.LazyBatchNorm1d(), nn.Tanh(), nn.LazyLinear(2))


TRAINED = {
    **{one.__name__: one for one in (frozen, Tied, Twice, repeated, normalised, cumulated, Embedded, Attending)},
    **{one.__name__: one for one in (Encoder, Averaging, InPlace, Flipping, Random, spectral, weighed, lazy)},
    "LSTM": Recurrent,
    "Dropping": Dropping,
    "attention that drops": lambda: Attending(dropout=0.1),
    "GRU of two layers": lambda: Recurrent(nn.GRU, num_layers=2),
}
"""Nets that a pack trains as torch does."""
