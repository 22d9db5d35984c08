"""Nets of 8 numbers that nobody had in mind when packs were written, which none can train, and what is said of each."""

import random

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import prune
from torch.utils.checkpoint import checkpoint

from tests.workers.net.unforeseen import Of


def named(layer, build=lambda net: None):
    """A net with the layer as its part, changed by `build`."""

    def make():
        net = Of(layer())
        build(net)
        return net

    return make


class Words(Of):
    def __init__(self, **options):
        super().__init__(nn.Embedding(10, 8, **options))

    def hidden(self, inputs):
        return self.part((3 * inputs).long().clamp(0, 9)).mean(1)


class Attribute(Of):
    """Random features kept as they came, in no buffer."""

    def __init__(self, make):
        super().__init__()
        self.features = make()

    def hidden(self, inputs):
        return super().hidden(inputs * torch.as_tensor(self.features, dtype=inputs.dtype))


class Clipped(Of):
    """Clips weights that are within the bounds at first."""

    def hidden(self, inputs):
        self.part.weight.data.clamp_(-0.5, 0.5)
        return super().hidden(inputs)


class Thawing(Of):
    def __init__(self):
        super().__init__()
        self.part.requires_grad_(False)

    def hidden(self, inputs):
        self.part.requires_grad_(self.training)
        return super().hidden(inputs)


class Lucky(Of):
    """Drops its layer now and then, by a generator."""

    def __init__(self, draw):
        super().__init__()
        self.draw = draw

    def hidden(self, inputs):
        return inputs if self.training and self.draw() < 1e-6 else super().hidden(inputs)


class OwnDraws(Lucky):
    def __init__(self, generator):
        super().__init__(None)
        self.generator = generator

    def draw(self):
        return float(self.generator.random())

    def hidden(self, inputs):
        return inputs if self.training and float(self.generator.random()) < 1e-6 else Of.hidden(self, inputs)


class WeightsDropped(Of):
    def hidden(self, inputs):
        return functional.linear(inputs, functional.dropout(self.part.weight, 0.3, self.training))


class StatesDropped(Of):
    """Drops of 24 numbers of all examples, whatever the batch."""

    def hidden(self, inputs):
        return super().hidden(inputs) * functional.dropout(self.out.weight.new_ones(24, 1), 0.3, self.training).mean()


class Again(Of):
    """Computes forward anew in the backward."""

    def hidden(self, inputs):
        return checkpoint(super().hidden, inputs, use_reentrant=False)


class Rooted(Of):
    """Takes the root of what is below 0."""

    def hidden(self, inputs):
        return (super().hidden(inputs) ** 2 * -1 - 1).sqrt()


class Transposed(Of):
    def __init__(self):
        super().__init__(nn.TransformerEncoderLayer(2, 1, 4, 0.1))

    def hidden(self, inputs):
        return self.part(inputs.view(-1, 4, 2).transpose(0, 1)).transpose(0, 1).flatten(1)


class Exported(Of):
    """Has one mode, as an exported graph."""

    def train(self, mode=True):
        raise NotImplementedError("train() is not supported")


class Deep(nn.Module):
    """As deep as a draw says."""

    def __init__(self):
        super().__init__()
        depth = int(torch.randint(1, 100, ()))
        self.layers = nn.Sequential(*(nn.Linear(8, 8) for _ in range(depth)), nn.Linear(8, 2))

    def forward(self, inputs):
        return self.layers(inputs)


def weights_by_numpy(net):
    net.out.weight.data = torch.tensor(np.random.randn(2, 8), dtype=torch.float32)


def in_one_memory(net):
    net.part.weight = nn.Parameter(net.out.weight.data.view(8, 2)[:, :1].expand(8, 8))


def lies_in_another(net):
    net.register_buffer("copy", net.part.weight.data[2:])


KEPT = nn.Linear(8, 2)
REFUSED_UNFORESEEN = {
    "complex": (
        named(nn.Identity, lambda net: net.register_buffer("turn", torch.ones(4) * 1j)),
        "turn must be of float",
    ),
    "half": (
        named(lambda: nn.Linear(8, 8, dtype=torch.bfloat16)),
        "part.weight must be of float32 or float64, .* bfloat16",
    ),
    "a gradient's hook": (
        named(nn.Identity, lambda net: net.out.weight.register_hook(lambda own: own / 2)),
        r"out.weight has a hook on its gradient \(register_hook\)",
    ),
    "a hook at last": (
        named(nn.Identity, lambda net: net.out.weight.register_post_accumulate_grad_hook(lambda own: None)),
        r"out.weight has a hook on its gradient \(register_post_accumulate_grad_hook\)",
    ),
    "a layer's hook": (
        named(lambda: nn.Linear(8, 8), lambda net: net.part.register_full_backward_hook(lambda *_: None)),
        r"part \(Linear\) has a hook on its gradient",
    ),
    "a dropout's hook": (
        named(lambda: nn.Dropout(0.5), lambda net: net.part.register_forward_hook(lambda *_: None)),
        r"part \(Dropout\) has a hook",
    ),
    "sparse": (lambda: Words(sparse=True), r"part \(Embedding\) has sparse gradients"),
    "max_norm": (lambda: Words(max_norm=50.0), r"part \(Embedding\) changes its weight in forward \(max_norm\)"),
    "compiled": (lambda: torch.compile(Of(), backend="eager"), r"the net \(OptimizedModule\) is compiled"),
    "pruned": (
        named(lambda: nn.Linear(8, 8), lambda net: prune.l1_unstructured(net.part, "weight", 0.5)),
        "changes its attribute part.weight in forward",
    ),
    "weight_norm as it was": (
        named(lambda: nn.utils.weight_norm(nn.Linear(8, 8))),
        "changes its attribute part.weight in forward",
    ),
    "a view": (named(lambda: nn.Linear(8, 8), lies_in_another), "copy lies in the memory of part.weight"),
    "an expanded weight": (named(lambda: nn.Linear(8, 8), in_one_memory), "lies in the memory of"),
    "features": (lambda: Attribute(lambda: torch.randn(8)), "its attribute features differs from net to net"),
    "numpy's features": (lambda: Attribute(lambda: np.random.randn(8)), "its attribute features differs from net to"),
    "a number": (lambda: Attribute(lambda: [torch.rand(()).item()]), "its attribute features differs from net to net"),
    "weights by numpy": (named(nn.Identity, weights_by_numpy), "two nets from one seed whose out.weight differs"),
    "one for all": (lambda: KEPT, r"model\(\) gave the same weight twice"),
    "a drawn depth": (Deep, r"model\(\) made nets from two seeds whose layers.\d+.weight has not the same shape"),
    "of one mode": (Exported, r"train\(\) and to\(\) of the net must not raise, but got NotImplementedError: train"),
    "clips": (Clipped, "changes its parameter part.weight in forward"),
    "thaws": (Thawing, "trains its parameter part.weight from a forward on"),
    "Python's luck": (lambda: Lucky(random.random), r"the net \(Lucky\) draws random numbers of its own in training"),
    "numpy's luck": (lambda: Lucky(np.random.rand), r"the net \(Lucky\) draws random numbers of its own in training"),
    "a seed for torch": (
        lambda: Lucky(lambda: torch.manual_seed(0).initial_seed() or 1),
        r"the net \(Lucky\) draws random numbers of its own in training",
    ),
    "a seed for numpy": (
        lambda: Lucky(lambda: np.random.seed(0) or 1),
        r"the net \(Lucky\) draws random numbers of its own in training",
    ),
    "a generator": (lambda: OwnDraws(random.Random(0)), "changes its attribute generator in forward"),
    "numpy's generator": (lambda: OwnDraws(np.random.default_rng(0)), "changes its attribute generator in forward"),
    "weights dropped": (WeightsDropped, r"the net \(WeightsDropped\) draws random numbers of its own in training"),
    "numbers dropped": (StatesDropped, "calls a function of dropout with what is not the examples"),
    "computed again": (
        Again,
        r"the gradient in step 1 of the net \(Again\) in a pack, by most at part.\w+, is not that",
    ),
    "no numbers": (Rooted, "the loss of its first batch must be finite for some seed, but is nan for each of 3"),
    "steps first": (
        Transposed,
        r"part.dropout1 drops of inputs with examples along the first axis, .* batch_first=True",
    ),
}
