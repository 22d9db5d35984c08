"""Folders of small pictures, cut from the two photographs that come with scikit-learn."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("china", "flower")


@cache
def photograph(name: str) -> np.ndarray:
    return load_sample_image(f"{name}.jpg")


def patch(name: str, chance: np.random.Generator) -> Image.Image:
    """A part of a photograph, of 40 to 60 pixels a side."""
    whole = photograph(name)
    sides = chance.integers(40, 61, 2)
    top, left = (chance.integers(0, most - side) for most, side in zip(whole.shape, sides, strict=False))
    return Image.fromarray(np.ascontiguousarray(whole[top : top + sides[0], left : left + sides[1]]))


def fill(folder: Path, count: int, seed: int = 0) -> Path:
    """`count` patches of each photograph, in a folder for each: JPEG files, and every third a PNG file."""
    chance = np.random.default_rng(seed)
    for name in CLASSES:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            ending = "png" if number % 3 == 2 else "JPEG"
            patch(name, chance).save(folder / name / f"{name}-{number:04}.{ending}")
    return folder
