"""What the first layer of a kept net has learned: its filters, their directions, and its maps of a few pictures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from slalom.wire.learned import NOTHING, Learned
from slalom_worker.training.filters import FirstLayer, first_layer, orientation
from slalom_worker.training.sheets import WHITE, sheet, signed, stretched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from slalom_worker.net.objective import Objective
    from slalom_worker.training.nets import TrainedTrial
    from slalom_worker.training.sheets import Pixels

PICTURES = 6
"""Validation pictures of which maps are shown, the first ones."""

MOST_MAPS = 32
"""Maps of a picture that are shown."""

COLUMNS = 16
"""Filters in a row."""

FILTER_SIDE, MAP_SIDE = 40, 56
"""Pixels of a filter's and of a map's side, at least."""

COLOURS = 3


def learned(objective: Objective, trained: TrainedTrial) -> Learned:
    """What is shown of a trial's nets; nothing where their first layer is no convolution.

    Numbers are means over all nets of an ensemble, pictures are of its first.
    """
    layer = first_layer(objective.module)
    if layer is None:
        return NOTHING
    last = [layer.filters(objective.views(slot.best_parameters)) for slot in trained.slots]
    first = [
        layer.filters(objective.views(objective.initial(slot.trial.seeds.weights, slot.settings["initialization"])))
        for slot in trained.slots
    ]
    now, before = orientation(torch.cat(last)), orientation(torch.cat(first))
    each = zip(now[: len(last[0])].tolist(), before.tolist(), strict=False)
    table = [{"filter": n, "orientation": found, "initial": start} for n, (found, start) in enumerate(each)]
    maps = _maps(objective, trained, layer)
    return Learned(
        {"filters.orientation": float(now.mean()), "filters.orientation_initial": float(before.mean())},
        {
            "filters/first_layer.png": sheet(list(_filters(last[0])), FILTER_SIDE),
            "filters/first_layer_initial.png": sheet(list(_filters(first[0])), FILTER_SIDE),
            "filters/orientation.json": json.dumps(table, indent=1).encode(),
            **({"filters/maps.png": sheet(maps, MAP_SIDE)} if maps else {}),
        },
    )


def _filters(filters: Tensor) -> Iterator[list[Pixels]]:
    """Rows of tiles, a filter each, in colour where it has three channels; else a row has a filter's channels."""
    tiles = [signed(one.double().numpy()) for one in filters]
    if filters.shape[1] == COLOURS:
        tiles = [tile.transpose(1, 2, 0) for tile in tiles]
    elif filters.shape[1] > 1:
        yield from ([*tile] for tile in tiles)
        return
    else:
        tiles = [tile[0] for tile in tiles]
    blank = np.full_like(tiles[0], WHITE)
    for start in range(0, len(tiles), COLUMNS):
        row = tiles[start : start + COLUMNS]
        yield row + [blank] * (min(COLUMNS, len(tiles)) - len(row))


@torch.no_grad()
def _maps(objective: Objective, trained: TrainedTrial, layer: FirstLayer) -> list[list[Pixels]]:
    """A row for each of the first validation pictures: the picture as the layer sees it, and the layer's maps of it.

    Maps are those before the activation, each on a scale of its own on which 0 is grey.
    Empty where a net of the user's does not call the layer with pictures [B, C, h, w].
    """
    seen: list[tuple[Tensor, Tensor]] = []

    def look(_module: Any, given: Sequence[Tensor], maps: Tensor) -> None:
        seen.append((given[0], maps))

    net = {**objective.views(trained.best_parameters[0]), **trained.slots[0].state}
    handle = layer.module.register_forward_hook(look)
    try:
        pictures = objective.view.center(trained.split.validation.between(0, PICTURES))
        objective.forward.in_evaluation(net, pictures)
    finally:
        handle.remove()
    if not seen or seen[0][0].dim() != seen[0][1].dim() or seen[0][1].dim() != 4:
        return []
    pictures, maps = (part.double().cpu() for part in seen[0])
    return [
        [_picture(picture), *(signed(one.numpy()) for one in own[:MOST_MAPS])]
        for picture, own in zip(pictures, maps, strict=True)
    ]


def _picture(picture: Tensor) -> Pixels:
    """A picture [C, h, w] as a tile, in colour where it has three channels, else its first."""
    if len(picture) == COLOURS:
        return stretched(picture.permute(1, 2, 0).numpy())
    return stretched(picture[0].numpy())
