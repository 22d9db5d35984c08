"""Small distortions for handwriting: each axis is scaled, the picture sheared, and its parts stretched differently.

A pixel (y, x) takes its value from the place (y', x'), both counted from the picture's centre, interpolated between
pixels and 0 outside of the picture:
    y' = a y + u(y, x),    x' = b x + c y + v(y, x)
a and b are drawn evenly from 1 +- `scale`, c from +- `shear`. The fields u and v are drawn evenly from +- `elastic`
pixels at KNOTS x KNOTS knots from border to border, and interpolated between them.
Sources: LeCun et al. 1998, "Gradient-based learning applied to document recognition", III.C (scaling, squeezing,
horizontal shearing); Simard, Steinkraus and Platt 2003, "Best practices for convolutional neural networks", 2 (elastic
fields, which are smoothed there by a Gaussian).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import Number
from slalom_worker.augmentation.base import Augmentation
from slalom_worker.augmentation.places import counted, pixels

if TYPE_CHECKING:
    from torch import Tensor

    from slalom_worker.augmentation.base import Given

KNOTS = 4


def change(pictures: Tensor, given: Given) -> Tensor:
    """The distorted pictures."""
    height, width = pictures.shape[-2:]
    even = given.draws.uniform(3 + 2 * KNOTS**2) * 2 - 1
    scale, shear, elastic = (given.options[name].unsqueeze(-1) for name in ("scale", "shear", "elastic"))
    tall, wide = (1 + scale * even[..., axis, None] for axis in (0, 1))
    lean = shear * even[..., 2, None]
    fields = even[..., 3:].reshape(*even.shape[:2], 2, KNOTS, KNOTS) * elastic[..., None, None]
    middle, center = (height - 1) / 2, (width - 1) / 2
    y, x = counted(even, height) - middle, counted(even, width) - center
    rows = (tall * y + middle).unsqueeze(-1) + _between(fields[:, :, 0], height, width)
    columns = (wide * x + center).unsqueeze(-2) + (lean * y).unsqueeze(-1) + _between(fields[:, :, 1], height, width)
    return _interpolated(pictures, rows, columns)


def _between(knots: Tensor, height: int, width: int) -> Tensor:
    """A field [e, B, height, width], interpolated between values [e, B, KNOTS, KNOTS] at knots from edge to edge."""
    rows = _mixed(
        [knots[..., knot, None, :] for knot in range(KNOTS)], [w.unsqueeze(-1) for w in _weights(knots, height)]
    )
    return _mixed([rows[..., knot, None] for knot in range(KNOTS)], _weights(knots, width))


def _mixed(parts: list[Tensor], weights: list[Tensor]) -> Tensor:
    """The sum of the parts times their weights, added one by one, as a matrix product may round by the pack's width."""
    found = parts[0] * weights[0]
    for part, weight in zip(parts[1:], weights[1:], strict=True):
        found = found + part * weight
    return found


def _weights(like: Tensor, count: int) -> list[Tensor]:
    """The weight of each knot at `count` places in a row, each [count]."""
    places = counted(like, count) * ((KNOTS - 1) / max(1, count - 1))
    return [(1 - (places - knot).abs()).clamp(min=0) for knot in range(KNOTS)]


def _interpolated(pictures: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Pictures at places [e, B, height, width] float64 between the pixels, from the four pixels around."""
    top, left = rows.floor(), columns.floor()
    down, right = ((places - first).to(pictures.dtype).unsqueeze(2) for places, first in ((rows, top), (columns, left)))
    row, column = top.long(), left.long()
    upper = pixels(pictures, row, column) * (1 - right) + pixels(pictures, row, column + 1) * right
    lower = pixels(pictures, row + 1, column) * (1 - right) + pixels(pictures, row + 1, column + 1) * right
    return upper * (1 - down) + lower * down


DISTORT = Augmentation(
    change,
    {"scale": Number(0.1, 0.0, 0.9), "shear": Number(0.1, 0.0, 2.0), "elastic": Number(1.0, 0.0, 1000.0)},
)
