"""Nets of 8 numbers that nobody had in mind when packs were written, which a pack trains."""

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrize


class Of(nn.Module):
    """A part in front of a linear layer, from 8 inputs of the part to as many numbers as it gives."""

    def __init__(self, part=None, width=8):
        super().__init__()
        self.part, self.out = part if part is not None else nn.Linear(8, 8), nn.Linear(width, 2)

    def forward(self, inputs):
        return self.out(self.hidden(inputs))

    def hidden(self, inputs):
        return torch.tanh(self.part(inputs))


class ReZero(Of):
    """A block weighed by one number, a parameter without axes (Bachlechner et al. 2020)."""

    def __init__(self):
        super().__init__()
        self.share = nn.Parameter(torch.zeros(()))

    def hidden(self, inputs):
        return inputs + self.share * super().hidden(inputs)


class Collected(nn.Module):
    """Of parameters in lists and dicts, one of them without numbers."""

    def __init__(self):
        super().__init__()
        self.weights = nn.ParameterList([nn.Parameter(torch.randn(8, 4)), nn.Parameter(torch.randn(4, 2))])
        self.rest = nn.ParameterDict({"bias": nn.Parameter(torch.zeros(2)), "none": nn.Parameter(torch.zeros(0, 3))})
        self.between = nn.ModuleDict({"activation": nn.Tanh()})

    def forward(self, inputs):
        hidden = self.between["activation"](inputs @ self.weights[0])
        return hidden @ self.weights[1] + self.rest["bias"] + self.rest["none"].sum()


class Fourier(Of):
    """A product in frequencies (Rao et al. 2021, GFNet)."""

    def __init__(self):
        super().__init__(nn.Identity())
        self.scale = nn.Parameter(torch.randn(5))

    def hidden(self, inputs):
        return torch.fft.irfft(torch.fft.rfft(inputs) * self.scale, n=8)


class Reversed(torch.autograd.Function):
    """Turns the gradient round (Ganin and Lempitsky 2014), as functions were written before torch.func."""

    @staticmethod
    def forward(ctx, inputs):
        return inputs.view_as(inputs)

    @staticmethod
    def backward(ctx, gradient):
        return -0.1 * gradient


class Signs(torch.autograd.Function):
    """A sign whose gradient goes straight through."""

    @staticmethod
    def forward(inputs):
        return inputs.sign()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, gradient):
        (inputs,) = ctx.saved_tensors
        return gradient * (inputs.abs() <= 1)


class Adversarial(Of):
    def hidden(self, inputs):
        return Reversed.apply(super().hidden(inputs))


class Binarized(Of):
    """Weights and activations of one bit (Hubara et al. 2016)."""

    def hidden(self, inputs):
        return Signs.apply(functional.linear(inputs, Signs.apply(self.part.weight)))


class FrozenNorm(Of):
    """Batch normalisation that an own `train` keeps in evaluation."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(8)

    def train(self, mode=True):
        super().train(mode)
        self.norm.eval()
        return self

    def hidden(self, inputs):
        return self.norm(super().hidden(inputs))


class Experts(nn.Module):
    """Each example goes to the expert that its gate chooses (Shazeer et al. 2017)."""

    def __init__(self):
        super().__init__()
        self.gate, self.experts = nn.Linear(8, 3), nn.ModuleList(nn.Linear(8, 2) for _ in range(3))

    def forward(self, inputs):
        shares, chosen = self.gate(inputs).softmax(-1).max(-1)
        outputs = inputs.new_zeros(len(inputs), 2)
        for number, expert in enumerate(self.experts):
            rows = (chosen == number).nonzero()[:, 0]
            outputs = outputs.index_add(0, rows, expert(inputs[rows]) * shares[rows, None])
        return outputs


class Sparse(Of):
    """Keeps the four largest activations."""

    def hidden(self, inputs):
        hidden = self.part(inputs)
        largest, places = hidden.topk(4, dim=-1)
        return torch.zeros_like(hidden).scatter(-1, places, largest)


class Equilibrium(Of):
    """Goes on until it stands still (Bai et al. 2019)."""

    def __init__(self):
        super().__init__()
        self.again = nn.Linear(8, 8)

    def hidden(self, inputs):
        found = torch.zeros_like(inputs)
        for _ in range(30):
            before, found = found, torch.tanh(0.3 * self.again(found) + self.part(inputs))
            if (found - before).abs().max() < 1e-3:
                break
        return found


class Energy(Of):
    """The gradient of a learned energy by the inputs (Greydanus et al. 2019)."""

    def __init__(self):
        super().__init__(nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1)))

    def hidden(self, inputs):
        with torch.enable_grad():
            place = inputs.detach().requires_grad_()
            (slope,) = torch.autograd.grad(self.part(place).sum(), place, create_graph=True)
        return slope


class Capsules(nn.Module):
    """Capsules that agree in three rounds (Sabour et al. 2017)."""

    def __init__(self):
        super().__init__()
        self.votes = nn.Parameter(0.1 * torch.randn(4, 2, 2, 3))

    def forward(self, inputs):
        votes = torch.einsum("bpi,pkij->bpkj", inputs.view(-1, 4, 2), self.votes)
        agreed = torch.zeros_like(votes[..., 0])
        for _ in range(3):
            said = (agreed.softmax(-1)[..., None] * votes).sum(1)
            length = said.square().sum(-1, keepdim=True)
            said = said * length / (1 + length) / (length + 1e-8).sqrt()
            agreed = agreed + (votes * said[:, None]).sum(-1)
        return said.norm(dim=-1)


class Quantized(Of):
    """A code book kept by moving averages (van den Oord et al. 2017)."""

    def __init__(self):
        super().__init__()
        self.register_buffer("book", torch.randn(5, 8))
        self.register_buffer("counts", torch.ones(5))

    def hidden(self, inputs):
        hidden = self.part(inputs)
        nearest = torch.cdist(hidden, self.book).argmin(-1)
        if self.training:
            with torch.no_grad():
                found = functional.one_hot(nearest, 5).to(hidden.dtype)
                self.counts.mul_(0.9).add_(found.sum(0), alpha=0.1)
                self.book.mul_(0.9).add_(found.T @ hidden / self.counts[:, None], alpha=0.1)
        return hidden + (self.book[nearest] - hidden).detach()


class Peak(Of):
    """Divides by the largest input so far, in a buffer that no input of the first batches changes."""

    def __init__(self):
        super().__init__()
        self.register_buffer("peak", torch.full((), 3.5))

    def hidden(self, inputs):
        if self.training:
            self.peak = torch.maximum(self.peak, inputs.detach().max())
        return super().hidden(inputs / self.peak)


class Late(Of):
    """Begins to average after four steps, which it counts and looks at."""

    def __init__(self):
        super().__init__()
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.register_buffer("mean", torch.zeros(8))

    def hidden(self, inputs):
        if self.training:
            self.steps += 1
            if self.steps > 4:
                self.mean.lerp_(inputs.detach().mean(0), 0.1)
        return super().hidden(inputs - self.mean)


class WordDropout(Of):
    """Whole words are dropped."""

    def __init__(self):
        super().__init__(nn.Embedding(10, 8))
        self.drop = nn.Dropout(0.2)

    def hidden(self, inputs):
        words = self.part((3 * inputs).long().clamp(0, 9))
        return (words * self.drop(torch.ones_like(inputs))[..., None]).mean(1)


class Symmetric(nn.Module):
    def forward(self, weight):
        return weight.triu() + weight.triu(1).T


def symmetric():
    net = Of()
    parametrize.register_parametrization(net.part, "weight", Symmetric())
    return net


def hooked():
    net = Of()
    net.part.register_forward_hook(lambda _layer, _inputs, outputs: outputs.sin())
    return net


def repeated():
    layer = nn.Linear(8, 8)
    return nn.Sequential(layer, nn.Tanh(), layer, nn.Linear(8, 2))


OF_ROWS = [
    ReZero,
    Collected,
    Fourier,
    Adversarial,
    Binarized,
    FrozenNorm,
    Experts,
    Sparse,
    Equilibrium,
    Energy,
    Capsules,
    Quantized,
    Peak,
    Late,
    WordDropout,
    symmetric,
    hooked,
    repeated,
]
