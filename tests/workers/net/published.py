"""Small nets of published kinds, written from their papers: by name the shape of an example, and what makes the net."""

import torch
from torch import nn
from torch.nn import functional

IMAGE, SERIES, FLAT = (1, 8, 8), (6, 8), (8,)


class Residual(nn.Module):
    """A residual block with batch normalisation (He et al. 2015)."""

    def __init__(self, channels, out):
        super().__init__()
        self.one = nn.Conv2d(channels, out, 3, padding=1, bias=False)
        self.other = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.norm, self.again = nn.BatchNorm2d(out), nn.BatchNorm2d(out)
        self.short = nn.Conv2d(channels, out, 1, bias=False)

    def forward(self, inputs):
        hidden = functional.relu(self.norm(self.one(inputs)))
        return functional.relu(self.short(inputs) + self.again(self.other(hidden)))


def residual():
    return nn.Sequential(Residual(1, 3), Residual(3, 4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))


class Squeezed(nn.Module):
    """Channels weighed by what they hold on average (Hu et al. 2017, SE-Net)."""

    def __init__(self):
        super().__init__()
        self.spread, self.squeeze, self.excite = nn.Conv2d(1, 4, 3), nn.Linear(4, 2), nn.Linear(2, 4)
        self.out = nn.Linear(4, 2)

    def forward(self, inputs):
        maps = self.spread(inputs)
        scale = torch.sigmoid(self.excite(functional.relu(self.squeeze(maps.mean((2, 3))))))
        return self.out((maps * scale[:, :, None, None]).mean((2, 3)))


class Dense(nn.Module):
    """Each layer sees all before it (Huang et al. 2016, DenseNet)."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, 2, 3, padding=1)) for c in (1, 3)
        )
        self.out = nn.Linear(5, 2)

    def forward(self, inputs):
        for layer in self.layers:
            inputs = torch.cat([inputs, layer(inputs)], 1)
        return self.out(inputs.mean((2, 3)))


class Next(nn.Module):
    """A block of depthwise convolution, layer normalisation and GELU (Liu et al. 2022, ConvNeXt)."""

    def __init__(self):
        super().__init__()
        self.stem, self.depth = nn.Conv2d(1, 4, 2, 2), nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.norm, self.wide, self.narrow = nn.LayerNorm(4), nn.Linear(4, 16), nn.Linear(16, 4)
        self.scale = nn.Parameter(torch.full((4,), 0.1))
        self.out = nn.Linear(4, 2)

    def forward(self, inputs):
        stem = self.stem(inputs)
        hidden = self.norm(self.depth(stem).permute(0, 2, 3, 1))
        hidden = self.narrow(functional.gelu(self.wide(hidden))) * self.scale
        return self.out((stem + hidden.permute(0, 3, 1, 2)).mean((2, 3)))


class UNet(nn.Module):
    """Down, up, and what was there before beside it (Ronneberger et al. 2015)."""

    def __init__(self):
        super().__init__()
        self.down, self.middle = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 4, 3, padding=1)
        self.up, self.merge, self.out = nn.ConvTranspose2d(4, 2, 2, 2), nn.Conv2d(4, 2, 3, padding=1), nn.Linear(2, 2)

    def forward(self, inputs):
        first = functional.relu(self.down(inputs))
        second = functional.relu(self.middle(functional.max_pool2d(first, 2)))
        return self.out(self.merge(torch.cat([first, self.up(second)], 1)).mean((2, 3)))


class Patches(nn.Module):
    """A class token and places learned, attended to by patches (Dosovitskiy et al. 2020, ViT)."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(1, 8, 4, 4)
        self.token, self.place = nn.Parameter(torch.zeros(1, 1, 8)), nn.Parameter(0.02 * torch.randn(1, 5, 8))
        self.block = nn.TransformerEncoderLayer(8, 2, 16, 0.0, "gelu", batch_first=True, norm_first=True)
        self.out = nn.Linear(8, 2)

    def forward(self, inputs):
        parts = self.patch(inputs).flatten(2).mT
        seen = torch.cat([self.token.expand(len(inputs), -1, -1), parts], 1) + self.place
        return self.out(self.block(seen)[:, 0])


class Mixer(nn.Module):
    """Mixes tokens, then channels (Tolstikhin et al. 2021)."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.LayerNorm(8), nn.LayerNorm(8)
        self.tokens = nn.Sequential(nn.Linear(6, 12), nn.GELU(), nn.Linear(12, 6))
        self.channels = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))
        self.out = nn.Linear(8, 2)

    def forward(self, inputs):
        inputs = inputs + self.tokens(self.one(inputs).mT).mT
        return self.out((inputs + self.channels(self.other(inputs))).mean(1))


class Causal(nn.Module):
    """Dilated convolutions that see the past alone (Bai et al. 2018, TCN), normed by weight."""

    def __init__(self):
        super().__init__()
        norm = nn.utils.parametrizations.weight_norm
        self.layers = nn.ModuleList(norm(nn.Conv1d(6, 6, 2, dilation=d)) for d in (1, 2))
        self.drop, self.out = nn.Dropout(0.2), nn.Linear(6, 2)

    def forward(self, inputs):
        for layer in self.layers:
            hidden = layer(functional.pad(inputs, (layer.dilation[0], 0)))
            inputs = inputs + self.drop(functional.relu(hidden))
        return self.out(inputs[:, :, -1])


class Gpt(nn.Module):
    """Causal attention over words, whose embedding is the output's weights, too (Radford et al. 2018)."""

    def __init__(self):
        super().__init__()
        self.words, self.norm = nn.Embedding(5, 8), nn.LayerNorm(8)
        self.key_query_value, self.back, self.head = nn.Linear(8, 24), nn.Linear(8, 8), nn.Linear(8, 5, bias=False)
        self.head.weight = self.words.weight
        self.out = nn.Linear(5, 2)

    def forward(self, inputs):
        hidden = self.words((2 * inputs).long().clamp(0, 4))
        parts = self.key_query_value(self.norm(hidden)).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(*parts, is_causal=True)
        return self.out(self.head(hidden + self.back(seen.transpose(1, 2).flatten(2)))[:, -1])


class Highway(nn.Module):
    """A gate between a layer and none (Srivastava et al. 2015)."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(2))
        self.gates, self.out = nn.ModuleList(nn.Linear(8, 8) for _ in range(2)), nn.Linear(8, 2)

    def forward(self, inputs):
        for layer, gate in zip(self.layers, self.gates, strict=True):
            share = torch.sigmoid(gate(inputs))
            inputs = share * torch.relu(layer(inputs)) + (1 - share) * inputs
        return self.out(inputs)


class Siren(nn.Module):
    """Sines for activations (Sitzmann et al. 2020)."""

    def __init__(self):
        super().__init__()
        self.first, self.out = nn.Linear(8, 16), nn.Linear(16, 2)
        nn.init.uniform_(self.first.weight, -1 / 8, 1 / 8)

    def forward(self, inputs):
        return self.out(torch.sin(30 * self.first(inputs)))


class Factors(nn.Module):
    """Pairs of inputs by products of their factors (Rendle 2010, factorization machines)."""

    def __init__(self):
        super().__init__()
        self.linear, self.factors = nn.Linear(8, 2), nn.Parameter(0.1 * torch.randn(2, 8, 3))

    def forward(self, inputs):
        square = torch.einsum("bi,kif->bkf", inputs, self.factors).square()
        return self.linear(inputs) + 0.5 * (square - torch.einsum("bi,kif->bkf", inputs**2, self.factors**2)).sum(-1)


class TextCnn(nn.Module):
    """Windows of words, the largest of each (Kim 2014)."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(10, 4)
        self.windows = nn.ModuleList(nn.Conv1d(4, 3, size) for size in (2, 3))
        self.drop, self.out = nn.Dropout(0.5), nn.Linear(6, 2)

    def forward(self, inputs):
        words = self.words((3 * inputs).long().clamp(0, 9)).mT
        found = torch.cat([functional.relu(window(words)).amax(-1) for window in self.windows], 1)
        return self.out(self.drop(found))


class Radial(nn.Module):
    """Distances to centres, which are inputs kept as a buffer of the net's own (Broomhead and Lowe 1988)."""

    def __init__(self):
        super().__init__()
        self.register_buffer("centres", torch.randn(5, 8))
        self.out = nn.Linear(5, 2)

    def forward(self, inputs):
        return self.out(torch.exp(-torch.cdist(inputs, self.centres).square() / 8))


PUBLISHED = {
    **{make.__name__: (IMAGE, make) for make in (residual, Squeezed, Dense, Next, UNet, Patches)},
    **{make.__name__: (SERIES, make) for make in (Mixer, Causal)},
    **{make.__name__: (FLAT, make) for make in (Gpt, Highway, Siren, Factors, TextCnn, Radial)},
}
