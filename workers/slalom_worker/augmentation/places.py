"""Takes pixels of pictures by their places; outside of a picture every pixel is 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def pixels(pictures: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The pixels [e, B, channels, h, w] of pictures [e, B, channels, height, width] at places; 0 outside of a picture.

    rows, columns: int64, of shapes that broadcast to [e, B, h, w]
    """
    height, width = pictures.shape[-2:]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    places = rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)
    found = pictures.flatten(3).gather(3, _each_channel(places.flatten(2), pictures))
    shape = (*pictures.shape[:3], *places.shape[2:])
    return found.view(shape).masked_fill(~inside.unsqueeze(2), 0.0)


def window(pictures: Tensor, top: Tensor, left: Tensor, size: tuple[int, int]) -> Tensor:
    """The parts [e, B, channels, *size] of pictures that begin at the row `top` and the column `left`, [e, B] int64."""
    rows = counted(top, size[0]) + top.unsqueeze(-1)
    columns = counted(left, size[1]) + left.unsqueeze(-1)
    return pixels(pictures, rows.unsqueeze(-1), columns.unsqueeze(-2))


def counted(like: Tensor, count: int) -> Tensor:
    """The numbers from 0 to `count` - 1, of the type of the tensor `like` and on its device."""
    return like.new_ones(count).cumsum(0) - 1


def _each_channel(places: Tensor, pictures: Tensor) -> Tensor:
    slots, batch, count = places.shape
    return places.unsqueeze(2).expand(slots, batch, pictures.shape[2], count)
