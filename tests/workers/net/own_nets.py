"""Nets as users bring them: small ones of every kind that is trained in a pack, and those that are refused by name."""

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrizations, spectral_norm

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
    "GRU of two layers": lambda: Recurrent(nn.GRU, num_layers=2),
}
"""Nets that a pack trains as torch does."""


class Counting(Net):
    """Scales its inputs by how often it was called."""

    calls = 0

    def forward(self, inputs):
        self.calls += 1
        return self.out(inputs) * self.calls


class InList(Net):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(4, 4)]

    def forward(self, inputs):
        return self.out(self.layers[0](inputs))


class Hidden(InList):
    """Keeps its layer where only the gradient sees it."""

    def __init__(self):
        Net.__init__(self)
        layer = nn.Linear(4, 4)
        self.inner = lambda inputs: layer(inputs)

    def forward(self, inputs):
        return self.out(self.inner(inputs))


class Pair(Net):
    def forward(self, inputs):
        return self.out(inputs), inputs


class Asserting(Net):
    def forward(self, inputs):
        assert inputs.shape[1] == 3, "three\ninputs"
        return self.out(inputs)


class Centred(Net):
    """Predicts by what stands beside an example."""

    def forward(self, inputs):
        return self.out(inputs - inputs.mean(0))


class Remembering(Net):
    """Changes a buffer in evaluation."""

    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, inputs):
        self.seen += 1
        return self.out(inputs)


class Shifting(Net):
    """Sets a parameter by the first inputs, as ActNorm does."""

    def forward(self, inputs):
        self.out.bias.data -= self.out(inputs).detach().mean(0)
        return self.out(inputs)


class Nothing(nn.Module):
    def forward(self, inputs):
        return inputs[:, :2]


def fixed():
    return nn.Linear(4, 2).requires_grad_(False)


def unnormalised():
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8, track_running_stats=False), nn.Linear(8, 2))


class Elsewhere(Net):
    """Half as precise as its inputs."""

    def forward(self, inputs):
        return self.out(inputs).half()


REFUSED = {
    Counting: "changes its attribute calls in forward",
    lambda: nn.Sequential(spectral_norm(nn.Linear(4, 4)), nn.Linear(4, 2)): "changes its attribute 0.weight in forward",
    InList: r"the net \(InList\) keeps layers or parameters in the plain list or dict 'layers'",
    Hidden: r"computes with a parameter of shape \(4, 4\) that is not registered",
    Pair: r"must give a tensor \[B, 2\], but gives a tuple",
    Asserting: r"forward on inputs of shape \(2, 4\) in training must not raise, but got AssertionError: three inputs$",
    Centred: "predicts something else for an example beside another one than for the example alone",
    Remembering: "changes its buffer seen in evaluation",
    Shifting: "changes its parameter out.bias in forward",
    Nothing: "must have parameters to train, but has none",
    fixed: "must have parameters to train, but has none",
    unnormalised: r"1 \(BatchNorm1d\) keeps no running statistics, so that a prediction would depend on",
    Elsewhere: "must give outputs of its inputs' type torch.float32, but gives torch.float16",
    lambda: Encoder(0.1): r"heads.self_attn \(MultiheadAttention\) draws random numbers of its own in training",
    lambda: Recurrent(num_layers=2, dropout=0.1): r"cells \(LSTM\) draws random numbers of its own in training",
    lambda: nn.Sequential(nn.Linear(4, 8), nn.RReLU(), nn.Linear(8, 2)): r"1 \(RReLU\) draws random numbers of its own",
    lambda: nn.Sequential(nn.Unflatten(1, (2, 2)), nn.Linear(2, 2)): r"must give 2 outputs for each input, but gives",
}
"""Nets that cannot be trained in a pack, and what is said of each."""
