"""The nets of pictures as their sources state them, in plain torch, their parameters in the product's order.

`mask` is called with the place of a dropout layer, "input" or the number of a hidden one.
"""

from math import gcd, prod

import torch
from torch import nn
from torch.nn import functional

from tests.workers.literature import ACTIVATIONS, Net


def none(place, x):
    return x


def pictures(x, shape, side, background=0.0):
    """[B, channels, side, side]: each pixel as many times as fits, in the middle of the background."""
    x = x.reshape(len(x), *shape)
    factor = max(1, side // shape[1])
    x = torch.kron(x, torch.ones(factor, factor, dtype=x.dtype))
    found = torch.full((*x.shape[:2], side, side), background, dtype=x.dtype)
    top = (side - x.shape[2]) // 2
    found[:, :, top : top + x.shape[2], top : top + x.shape[3]] = x
    return found


def response(x, k=2, n=5, alpha=1e-4, beta=0.75):
    """The paper's formula, map by map."""
    squares, count = x * x, x.shape[1]
    sums = [squares[:, max(0, i - n // 2) : min(count - 1, i + n // 2) + 1].sum(1) for i in range(count)]
    return x / (k + alpha * torch.stack(sums, 1)) ** beta


class Local(nn.Module):
    """Weights [place, channels, patch], biases [channels * places], place by place."""

    def __init__(self, inputs, channels, kernel, stride, places):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(places[0] * places[1], channels, inputs * kernel**2))
        self.bias = nn.Parameter(torch.randn(channels * places[0] * places[1]))
        self.channels, self.kernel, self.stride, self.places = channels, kernel, stride, places

    def forward(self, x):
        found = torch.zeros(len(x), self.channels, *self.places, dtype=x.dtype)
        for row in range(self.places[0]):
            for column in range(self.places[1]):
                top, left = row * self.stride, column * self.stride
                patch = x[:, :, top : top + self.kernel, left : left + self.kernel].flatten(1)
                found[:, :, row, column] = patch @ self.weight[row * self.places[1] + column].mT
        return found + self.bias.view(self.channels, *self.places)


class Everything(nn.Module):
    def __init__(self, shape, maps):
        super().__init__()
        self.linear, self.maps = nn.Linear(prod(shape), prod(maps)), maps

    def forward(self, x):
        return self.linear(x.flatten(1)).view(-1, *self.maps)


class Convnet(nn.Module):
    def __init__(self, shape, classes, structure):
        super().__init__()
        self.s, self.picture, maps = structure, shape, shape
        self.seen, self.normed = nn.ModuleList(), nn.ModuleList()
        parts = []
        for number, channels in enumerate(structure["channels"]):
            kernel, stride, pool, apart = (self.of(name, number) for name in SIDES)
            pad = (kernel - 1) * (structure["padding"] == "same")
            high, wide = ((side + pad - kernel) // stride + 1 for side in maps[1:])
            padded = (maps[0], maps[1] + pad, maps[2] + pad)
            parts.append(
                {
                    "shared": lambda m=maps, c=channels, k=kernel, s=stride: nn.Conv2d(m[0], c, k, s),
                    "local": lambda m=maps, c=channels, k=kernel, s=stride, p=(high, wide): Local(m[0], c, k, s, p),
                    "full": lambda p=padded, to=(channels, high, wide): Everything(p, to),
                }[structure["connectivity"]]()
            )
            maps = (channels, high, wide)
            if structure["normalisation"] in ("batch", "group"):
                norm = (
                    nn.BatchNorm2d(channels)
                    if structure["normalisation"] == "batch"
                    else nn.GroupNorm(gcd(4, channels), channels)
                )
                parts.append(norm)
            if structure["pooling"] != "none":
                maps = (channels, *((side - pool) // apart + 1 for side in maps[1:]))
        units = prod(maps)
        for width in (*structure["full"], classes):
            parts.append(nn.Linear(units, width))
            units = width
        self.parts = nn.ModuleList(parts)  # in the order in which they are used

    def of(self, name, number):
        return self.s[name][number if len(self.s[name]) > 1 else 0]

    def forward(self, x, mask=none):
        s, parts, places = self.s, iter(self.parts), iter(range(1, 9))
        act = ACTIVATIONS[s["activation"]]
        x = mask("input", x).reshape(len(x), *self.picture)
        for number, _ in enumerate(s["channels"]):
            kernel, _, pool, apart = (self.of(name, number) for name in SIDES)
            if s["padding"] == "same":
                x = functional.pad(x, ((kernel - 1) // 2, kernel // 2) * 2)
            x = next(parts)(x)
            if s["normalisation"] in ("batch", "group"):
                x = next(parts)(x)
            x = act(x)
            x = response(x) if s["normalisation"] == "lrn" else x
            if s["pooling"] != "none":
                x = {"max": functional.max_pool2d, "average": functional.avg_pool2d}[s["pooling"]](x, pool, apart)
            x = mask(next(places), x) if s["dropout"] == "all" else x
        x = x.flatten(1)
        for _ in s["full"]:
            x = mask(next(places), act(next(parts)(x)))
        return next(parts)(x)


SIDES = ("kernels", "strides", "pool_sizes", "pool_strides")


class Modern(nn.Module):
    def __init__(self, shape, classes, structure):
        super().__init__()
        self.shape, self.s = shape, structure
        self.c1, self.c3 = nn.Conv2d(shape[0], 6, 5), nn.Conv2d(6, 16, 5)
        self.c5, self.f6, self.out = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, classes)

    def forward(self, x, mask=none):
        pool = {"max": functional.max_pool2d, "average": functional.avg_pool2d}[self.s["pooling"]]
        act = ACTIVATIONS[self.s["activation"]]
        x = pictures(mask("input", x), self.shape, 32)
        x = pool(act(self.c3(pool(act(self.c1(x)), 2))), 2).flatten(1)
        return self.out(mask(2, act(self.f6(mask(1, act(self.c5(x)))))))


class Table(nn.Module):
    """Each map from its own list of the maps before, by a convolution of its own."""

    def __init__(self, table, kernel, stride=1, places=1):
        super().__init__()
        self.table, self.stride = table, stride
        weights = [torch.randn(1, len(seen), kernel, kernel) for seen in table]
        self.parts = nn.ParameterList([*weights, torch.randn(len(table) * places)])

    def forward(self, x):
        *weights, bias = self.parts
        maps = [
            functional.conv2d(x[:, list(seen)], weight, stride=self.stride)
            for seen, weight in zip(self.table, weights, strict=True)
        ]
        x = torch.cat(maps, 1)
        return x + (bias.view(-1, 1, 1) if len(bias) == len(self.table) else bias.view(x.shape[1:]))


class Subsampling(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.coefficient = nn.Parameter(torch.randn(channels, 1, 1))
        self.bias = nn.Parameter(torch.randn(channels))

    def forward(self, x):
        sums = x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]
        return sums * self.coefficient + self.bias.view(-1, 1, 1)


C3 = "012 123 234 345 045 015 0123 1234 2345 0345 0145 0125 0134 1245 0235 012345"
"""Table I of LeCun et al. 1998, map by map."""


class LeNet5(nn.Module):
    codes: torch.Tensor

    def __init__(self, shape, classes, structure):
        super().__init__()
        from slalom_worker.models.bitmaps import BITMAPS

        self.shape = shape
        self.c1, self.s2 = nn.Conv2d(shape[0], 6, 5), Subsampling(6)
        self.c3, self.s4 = Table([tuple(map(int, seen)) for seen in C3.split()], 5), Subsampling(16)
        self.c5, self.f6 = nn.Conv2d(16, 120, 5), nn.Linear(120, 84)
        self.codes = torch.tensor(BITMAPS)

    def forward(self, x, mask=none):
        act = ACTIVATIONS["scaled_tanh"]
        x = pictures(mask("input", x), self.shape, 32) * 1.275 - 0.1
        for layer in (self.c1, self.s2, self.c3, self.s4, self.c5):
            x = act(layer(x))
        x = act(self.f6(mask(1, x.flatten(1))))
        return -((x[:, None] - self.codes) ** 2).sum(-1)


class LeNet1989(nn.Module):
    def __init__(self, shape, classes, structure):
        super().__init__()
        self.shape = shape
        self.h1 = Table([tuple(range(shape[0]))] * 12, 5, 2, 64)
        self.h2 = Table([(*range(8),)] * 4 + [(*range(4, 12),)] * 4 + [(0, 1, 2, 3, 8, 9, 10, 11)] * 4, 5, 2, 16)
        self.h3, self.out = nn.Linear(192, 30), nn.Linear(30, classes)

    def forward(self, x, mask=none):
        act = ACTIVATIONS["scaled_tanh"]
        x = pictures(mask("input", x), self.shape, 16) * 2 - 1
        for layer in (self.h1, self.h2):
            x = act(layer(functional.pad(x, (2, 2, 2, 2), value=-1.0)))
        return self.out(mask(1, act(self.h3(x.flatten(1)))))


class TwoCTwoD(nn.Module):
    def __init__(self, shape, classes, structure):
        super().__init__()
        self.shape = shape
        self.one, self.two = nn.Conv2d(shape[0], 32, 5, padding=2), nn.Conv2d(32, 64, 5, padding=2)
        self.full, self.out = nn.Linear(64 * (shape[1] // 4) * (shape[2] // 4), 1024), nn.Linear(1024, classes)

    def forward(self, x, mask=none):
        x = mask("input", x).reshape(len(x), *self.shape)
        for layer in (self.one, self.two):
            x = functional.max_pool2d(torch.relu(layer(x)), 2)
        return self.out(mask(1, torch.relu(self.full(x.flatten(1)))))


class Towers(nn.Module):
    """A convolution for each tower, of the tower's own maps; one tower sees all."""

    def __init__(self, inputs, channels, kernel, towers, **options):
        super().__init__()
        self.weights = nn.ParameterList(
            torch.randn(channels // towers, inputs // towers, kernel, kernel) for _ in range(towers)
        )
        self.biases = nn.ParameterList(torch.randn(channels // towers) for _ in range(towers))
        self.options = options

    def forward(self, towers):
        if len(self.weights) != len(towers):
            towers = [torch.cat(towers, 1)]
        return [
            functional.conv2d(x, weight, bias, **self.options)
            for x, weight, bias in zip(towers, self.weights, self.biases, strict=True)
        ]


def split(x, towers):
    return list(x.chunk(towers, 1))


class Small(nn.Module):
    """alexnet_small, its towers apart."""

    def __init__(self, shape, classes, structure):
        super().__init__()
        self.shape, self.s, width = shape, structure, 2 * structure["width"]
        towers, maps = structure["towers"], (shape[0], *(width * factor for factor in (1, 2, 3, 3, 2)))
        seen = (1, towers, 1, towers, towers)
        self.layers = nn.ModuleList(
            Towers(maps[n], maps[n + 1], 5 if n < 2 else 3, seen[n], padding=2 if n < 2 else 1) for n in range(5)
        )
        side = max(28, shape[1])
        for _ in range(3):
            side = (side - structure["pool_size"]) // 2 + 1
        widths = (maps[5] * side**2, 8 * width, 8 * width, classes)
        self.full = nn.ModuleList(nn.Linear(widths[n], widths[n + 1]) for n in range(3))

    def forward(self, x, mask=none):
        act, towers = ACTIVATIONS[self.s["activation"]], self.s["towers"]
        x = split(pictures(mask("input", x), self.shape, max(28, self.shape[1])), 1)
        for number, layer in enumerate(self.layers):
            x = split(act(torch.cat(layer(x), 1)), towers)
            if number < 2 and self.s["normalisation"] == "lrn":
                x = [response(tower) for tower in x]
            if number in (0, 1, 4):
                x = [functional.max_pool2d(tower, self.s["pool_size"], 2) for tower in x]
        x = torch.cat(x, 1).flatten(1)
        for number, layer in enumerate(self.full[:2], 1):
            x = mask(number, act(layer(x)))
        return self.full[2](x)


WIDE = {"channels": (4, 6), "kernels": (3,), "full": (7,)}

MODELS = {
    "convnet": Net(
        Convnet,
        (
            WIDE,
            WIDE
            | {
                "connectivity": "local",
                "kernels": (3, 2),
                "strides": (2, 1),
                "pool_sizes": (2, 1),
                "pool_strides": (1,),
            },
            WIDE | {"connectivity": "full", "dropout": "all", "pooling": "average"},
            WIDE | {"normalisation": "batch", "padding": "valid", "pooling": "none", "full": ()},
            WIDE | {"normalisation": "group", "activation": "logistic", "dropout": "all"},
            WIDE | {"normalisation": "lrn", "pool_sizes": (3,), "pooling": "average", "activation": "tanh"},
        ),
    ),
    "lenet5_modern": Net(Modern, ({}, {"pooling": "average", "activation": "tanh"})),
    "lenet5": Net(LeNet5, ({},)),
    "lenet1989": Net(LeNet1989, ({},)),
    "2c2d": Net(TwoCTwoD, ({},)),
    "alexnet_small": Net(
        Small, ({"width": 2}, {"width": 2, "towers": 2}, {"width": 1, "normalisation": "none", "pool_size": 2})
    ),
}
