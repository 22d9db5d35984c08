"""What people are shown of a kept net: its first layer's filters and maps, and what it decides over the plane."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from slalom.wire.learned import Learned
from slalom_worker.training.deciding import decided
from slalom_worker.training.filters import FirstLayer, first_layer, orientation
from slalom_worker.training.sheets import WHITE, sheet, signed, stretched

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor

    from slalom_worker.net.objective import Objective
    from slalom_worker.training.nets import TrainedTrial
    from slalom_worker.training.sheets import Pixels

PICTURES = 6
"""Number of validation pictures, the first ones, of which maps are shown."""

MOST_MAPS = 32
"""Most maps of a picture that are shown."""

COLUMNS = 16
"""Most filters in a row."""

FILTER_SIDE, MAP_SIDE = 40, 56
"""Least pixels of the side of a filter's and of a map's tile."""

COLOURS = 3


def learned(objective: Objective, trained: TrainedTrial) -> Learned:
    """Metrics and files about a trial's nets: their first layer where `first_layer` finds one, and `decided`.

    Metrics are means over all nets of an ensemble, pictures of filters are of its first net.
    """
    decisions = decided(objective, trained)
    layer = first_layer(objective.module)
    if layer is None:
        return Learned(files=decisions)
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
            **decisions,
        },
    )


def _filters(filters: Tensor) -> Iterator[list[Pixels]]:
    """Rows of tiles: a filter a tile, in colour or grey, of three channels or one; otherwise a row for each filter."""
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

    Maps are taken before the activation, each on a scale of its own on which 0 is grey.
    The list is empty where a user's net does not call the layer with pictures [B, C, h, w], or gets no tensor of it.
    """
    seen: list[tuple[Tensor, Tensor]] = []

    def look(_module: Any, given: Sequence[Any], named: Mapping[str, Any], maps: Any) -> None:
        pictures = (*given, *named.values())[0]
        if isinstance(pictures, torch.Tensor) and isinstance(maps, torch.Tensor):
            seen.append((pictures, maps))

    net = {**objective.views(trained.best_parameters[0]), **trained.slots[0].state}
    handle = layer.module.register_forward_hook(look, with_kwargs=True)
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
    """A picture [C, h, w] as a tile, in colour where it has three channels, else its first channel."""
    if len(picture) == COLOURS:
        return stretched(picture.permute(1, 2, 0).numpy())
    return stretched(picture[0].numpy())
