"""Nets as users bring them that no pack can train, and what is said of each."""

import warnings

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import spectral_norm

from tests.workers.net.own_nets import Net, Recurrent


class Always(Net):
    """Drops in evaluation, too."""

    def forward(self, inputs):
        return self.out(functional.dropout(inputs))


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


def scripted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.jit.script(nn.Linear(4, 2))


REFUSED = {
    scripted: r"the net \(RecursiveScriptModule\) is scripted",
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
    Elsewhere: "must give outputs of its parameters' type torch.float32, but gives torch.float16",
    Always: r"the net \(Always\) draws random numbers of its own in evaluation",
    lambda: Recurrent(num_layers=2, dropout=0.1): r"cells \(LSTM\) draws random numbers of its own in training",
    lambda: nn.Sequential(nn.Linear(4, 8), nn.RReLU(), nn.Linear(8, 2)): r"1 \(RReLU\) draws random numbers of its own",
    lambda: nn.Sequential(nn.Unflatten(1, (2, 2)), nn.Linear(2, 2)): r"must give 2 outputs for each input, but gives",
}
"""Nets that cannot be trained in a pack, and what is said of each."""
