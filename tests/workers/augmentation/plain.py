"""Every augmentation as its source states it, for one picture, in numpy and scipy.

One line here for a line in the product's table: test_augmentation.py fails for an augmentation or an option that has no
reference. `settings` are what the suite trains with; together they name every option.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import map_coordinates

from slalom.wire.seeds import derive

WORD = 2**64


def mixed(word):
    """SplitMix64's hash of a word, in Python's whole numbers."""
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB % WORD
    return word ^ (word >> 31)


class Numbers:
    """What an augmentation draws for one use of one example."""

    def __init__(self, seed, stream, epoch, example, use):
        key = mixed(derive(seed, "augmentation", *stream, epoch))
        golden = 0x9E3779B97F4A7C15
        self.word = mixed((mixed((key + example * golden) % WORD) + use * golden) % WORD)
        self.golden, self.drawn = golden, 0

    def uniform(self, count):
        words = [mixed((self.word + (self.drawn + n) * self.golden) % WORD) for n in range(1, count + 1)]
        self.drawn += count
        return np.array([(word >> 11) / 2**53 for word in words])

    def normal(self, count):
        one, other = self.uniform(count), self.uniform(count)
        return np.sqrt(-2 * np.log(1 - one)) * np.cos(2 * np.pi * other)


class Plain(NamedTuple):
    """change: (picture [c, h, w], numbers, options, training pictures, (height, width) that are seen) -> picture."""

    change: Any
    settings: tuple[dict[str, float], ...] = ({},)


def framed(picture, pad):
    return np.pad(picture, ((0, 0), (pad, pad), (pad, pad)))


def part(picture, top, left, size):
    return picture[:, top : top + size[0], left : left + size[1]]


def shift(picture, numbers, options, _train, _size):
    most = options["pixels"]
    down, right = (int(n * (2 * most + 1)) for n in numbers.uniform(2))
    return part(framed(picture, most), down, right, picture.shape[1:])


def crop(picture, numbers, options, _train, size):
    room = framed(picture, options["pad"])
    sides = zip(numbers.uniform(2), room.shape[1:], size, strict=True)
    return part(room, *(int(n * (own - seen + 1)) for n, own, seen in sides), size)


def mirror(picture, numbers, options, _train, _size):
    return picture[:, :, ::-1] if numbers.uniform(1)[0] < options["share"] else picture


def color_jitter(picture, numbers, options, train, _size):
    values, vectors = np.linalg.eigh(np.cov(np.moveaxis(train.astype(float), 1, 0).reshape(3, -1), bias=True))
    vectors = vectors * [1 if abs(max(v)) >= abs(min(v)) else -1 for v in vectors.T]
    added = vectors @ (options["sigma"] * numbers.normal(3) * values)
    return picture + added[:, None, None]


def distort(picture, numbers, options, _train, _size):
    even = 2 * numbers.uniform(3 + 32) - 1
    knots = options["elastic"] * even[3:].reshape(2, 4, 4)
    _, height, width = picture.shape
    y, x = np.mgrid[:height, :width].astype(float)
    grid = (np.linspace(0, height - 1, 4), np.linspace(0, width - 1, 4))
    down, right = (RegularGridInterpolator(grid, field)((y, x)) for field in knots)
    y, x = y - (height - 1) / 2, x - (width - 1) / 2
    rows = (1 + options["scale"] * even[0]) * y + (height - 1) / 2 + down
    columns = (1 + options["scale"] * even[1]) * x + options["shear"] * even[2] * y + (width - 1) / 2 + right
    return np.stack([map_coordinates(one, [rows, columns], order=1, mode="grid-constant") for one in picture])


AUGMENTATION = {
    "none": Plain(lambda picture, *_: picture),
    "shift": Plain(shift, ({"pixels": 2}, {"pixels": 0})),
    "crop": Plain(crop, ({"pad": 1}, {"pad": 3})),
    "mirror": Plain(mirror, ({"share": 0.5}, {"share": 0.2})),
    "color_jitter": Plain(color_jitter, ({"sigma": 0.1}, {"sigma": 0.5})),
    "distort": Plain(
        distort, ({"scale": 0.1, "shear": 0.1, "elastic": 1.0}, {"scale": 0.3, "shear": 0.0, "elastic": 0.0})
    ),
}


def augmented(picture, parts, seed, epoch, example, use, train, size):
    """A picture changed by augmentations {"method": name, **options}, one after the other, and its middle of `size`."""
    names = [own["method"] for own in parts]
    for place, own in enumerate(parts):
        stream = (own["method"], names[:place].count(own["method"]))
        numbers = Numbers(seed, stream, epoch, example, use)
        picture = AUGMENTATION[own["method"]].change(picture, numbers, own, train, size)
    top, left = ((own - seen) // 2 for own, seen in zip(picture.shape[1:], size, strict=True))
    return part(picture, top, left, size)
