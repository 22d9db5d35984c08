"""Further such nets, also of pictures and sequences, and layers of torch's: by name an example's shape and the net."""

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations

from tests.workers.net.unforeseen import OF_ROWS, Of

FLAT, SERIES, IMAGE, VOLUME = (8,), (4, 8), (4, 6, 6), (2, 4, 4, 4)


class Graph(Of):
    """Messages along the edges of a ring, the largest at last."""

    def __init__(self):
        super().__init__(nn.Linear(1, 4), width=4)
        self.register_buffer("ends", torch.arange(8).roll(-1))

    def hidden(self, inputs):
        said = super().hidden(inputs[..., None])
        return torch.zeros_like(said).index_add(1, self.ends, said).amax(1)


class Splines(nn.Module):
    """Bumps on every edge (Liu et al. 2024, KAN)."""

    def __init__(self):
        super().__init__()
        self.register_buffer("grid", torch.linspace(-2, 2, 5))
        self.bumps = nn.Parameter(0.1 * torch.randn(2, 8, 5))

    def forward(self, inputs):
        return torch.einsum("big,oig->bo", torch.exp(-((inputs[..., None] - self.grid) ** 2)), self.bumps)


class Maxout(Of):
    def __init__(self):
        super().__init__(nn.Linear(8, 12), width=4)

    def hidden(self, inputs):
        return self.part(inputs).view(-1, 4, 3).max(-1).values


class Sorted(Of):
    def hidden(self, inputs):
        return self.part(inputs).sort(-1).values.cumsum(-1)


class Solved(Of):
    """A linear system and the exponential of a matrix."""

    def hidden(self, inputs):
        weight = self.part.weight
        matrix = weight @ weight.T + torch.eye(8, dtype=weight.dtype)
        return torch.linalg.solve(matrix, inputs.T).T @ torch.matrix_exp(weight - weight.T)


class Standardized(Of):
    """Weights without mean and of one scale (Qiao et al. 2019)."""

    def hidden(self, inputs):
        weight = self.part.weight
        weight = (weight - weight.mean(1, keepdim=True)) / weight.std(1, keepdim=True)
        return functional.linear(inputs, weight, self.part.bias).relu()


class Hyper(nn.Module):
    """Weights that another net makes (Ha et al. 2016)."""

    def __init__(self):
        super().__init__()
        self.maker, self.code = nn.Linear(3, 16), nn.Parameter(torch.randn(3))

    def forward(self, inputs):
        return inputs @ self.maker(self.code).view(8, 2)


class OfEach(nn.Module):
    """Weights of each example's own."""

    def __init__(self):
        super().__init__()
        self.maker = nn.Linear(8, 16)

    def forward(self, inputs):
        return torch.bmm(inputs[:, None], self.maker(inputs).view(-1, 8, 2))[:, 0]


class Involution(Of):
    """Kernels of each place's own (Li et al. 2021)."""

    def __init__(self):
        super().__init__(nn.Conv2d(4, 9, 1), width=4)

    def hidden(self, inputs):
        patches = functional.unfold(inputs, 3, padding=1).view(-1, 4, 9, 6, 6)
        return (self.part(inputs)[:, None] * patches).sum(2).mean((2, 3))


class Turned(Of):
    """Looks from where it likes (Jaderberg et al. 2015)."""

    def __init__(self):
        super().__init__(nn.Linear(144, 6), width=144)

    def hidden(self, inputs):
        place = 0.1 * self.part(inputs.flatten(1)).view(-1, 2, 3) + torch.eye(3, dtype=inputs.dtype)[:2]
        grid = functional.affine_grid(place, list(inputs.shape), align_corners=False)
        return functional.grid_sample(inputs, grid, align_corners=False).flatten(1)


class Packed(Of):
    """Sequences of their own lengths."""

    def __init__(self):
        super().__init__(nn.GRU(8, 5, batch_first=True), width=5)

    def hidden(self, inputs):
        lengths = (inputs[..., 0] > 0).sum(1).clamp(min=1)
        packed = nn.utils.rnn.pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
        return self.part(packed)[1][0]


class Rotary(Of):
    """Angles by place (Su et al. 2021), kept from the first forward on."""

    def __init__(self):
        super().__init__(nn.Linear(8, 16))
        self.angles = None

    def hidden(self, inputs):
        if self.angles is None:
            steps, rates = torch.arange(inputs.shape[1]), torch.arange(4)
            self.angles = (steps[:, None] * 10.0**-rates).to(inputs.dtype)
        query, key = map(self.turned, self.part(inputs).chunk(2, -1))
        return ((query @ key.mT).softmax(-1) @ inputs).mean(1)

    def turned(self, values):
        one, other = values.chunk(2, -1)
        cos, sin = self.angles.cos(), self.angles.sin()
        return torch.cat([one * cos - other * sin, one * sin + other * cos], -1)


class Causal(Of):
    """Sees the past alone, by a mask of minus infinity that each forward makes."""

    def __init__(self):
        super().__init__(nn.TransformerEncoderLayer(8, 2, 16, 0.0, norm_first=True, batch_first=True))

    def hidden(self, inputs):
        mask = nn.Transformer.generate_square_subsequent_mask(inputs.shape[1], dtype=inputs.dtype)
        return self.part(inputs, mask, is_causal=True)[:, -1]


class StepsFirst(Of):
    """A layer of torch's that takes steps first, as by default, and drops nothing."""

    def __init__(self):
        super().__init__(nn.TransformerEncoderLayer(8, 2, 16, 0.0))

    def hidden(self, inputs):
        return self.part(inputs.transpose(0, 1))[-1]


def reads(layer):
    """A layer of torch's, and a linear one behind it."""
    return lambda: nn.Sequential(layer(), nn.Flatten(), nn.LazyLinear(2))


LAYERS = {
    "Fold": ((8, 4), lambda: nn.Fold((3, 3), (2, 2))),
    "LogSoftmax": (FLAT, lambda: nn.LogSoftmax(1)),
    "CrossMapLRN2d": (IMAGE, lambda: nn.CrossMapLRN2d(2)),
    "AdaptiveMaxPool3d": (VOLUME, lambda: nn.AdaptiveMaxPool3d(3)),
    "PixelUnshuffle": (IMAGE, lambda: nn.PixelUnshuffle(2)),
    "bicubic": (IMAGE, lambda: nn.Upsample(scale_factor=2, mode="bicubic")),
    "ReflectionPad3d": (VOLUME, lambda: nn.ReflectionPad3d(1)),
    "Dropout3d": (VOLUME, lambda: nn.Dropout3d(0.3)),
    "dilated": (IMAGE, lambda: nn.Conv2d(4, 3, 2, stride=2, dilation=2)),
    "in place": (FLAT, lambda: nn.Sequential(nn.Linear(8, 8), nn.ReLU(inplace=True), nn.Dropout(0.3, inplace=True))),
    "lazy": (IMAGE, lambda: nn.LazyConv2d(3, 3)),
    "orthogonal": (FLAT, lambda: parametrizations.orthogonal(nn.Linear(8, 8))),
    "DataParallel": (FLAT, lambda: nn.DataParallel(nn.Linear(8, 8))),
}
CLASSES = {
    FLAT: [*OF_ROWS, Graph, Splines, Maxout, Sorted, Solved, Standardized, Hyper, OfEach],
    SERIES: (Packed, Rotary, Causal, StepsFirst),
    IMAGE: (Involution, Turned),
}
UNFORESEEN = {
    **{one.__name__: (shape, one) for shape, classes in CLASSES.items() for one in classes},
    **{name: (shape, reads(layer)) for name, (shape, layer) in LAYERS.items()},
}
