"""A convolutional net whose layers the study sets, with or without local connections and shared weights.

A layer with channels is a convolution, its activation, and pooling; full layers follow. `connectivity` says what the
units of a layer with channels see: `shared`, a patch of the maps before, by weights that all units of a map share;
`local`, a patch, by weights of their own; `full`, everything. The units are the same in all three, the weights are not.
Sources: LeCun 1989, "Generalization and network design strategies" (local and shared connections); Krizhevsky et al.
2012 (`lrn`); Ioffe and Szegedy 2015 (`batch`); Wu and He 2018 (`group`).
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from slalom.errors import InputError
from slalom.wire.kinds import Choice, Integer, Integers, Number
from slalom_worker.models.base import Model
from slalom_worker.models.planner import Planner
from slalom_worker.models.structure import ACTIVATION, WIDEST, listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom_worker.models.base import Structure
    from slalom_worker.models.plan import Plan

WIDEST_MAPS, LARGEST_PATCH, DEEPEST = 4096, 64, 20
"""Most channels of a layer, most pixels of a patch's side, and most layers with channels."""


def plan(shape: tuple[int, ...], outputs: int, structure: Structure) -> Plan:
    """The plan: layers with channels, then full layers, then a linear output layer."""
    net = Planner("convnet", shape).input_dropout().picture()
    channels = _channels(structure)
    sides = [_each(structure, name, len(channels)) for name in ("kernels", "strides", "pool_sizes", "pool_strides")]
    for width, kernel, stride, pool_size, pool_stride in zip(channels, *sides, strict=True):
        _see(net, structure, width, kernel, stride)
        if structure["normalisation"] in ("batch", "group"):
            net.normalise(structure["normalisation"])
        net.activation(structure["activation"])
        if structure["normalisation"] == "lrn":
            net.normalise("lrn")
        if structure["pooling"] != "none":
            net.pool(structure["pooling"], pool_size, pool_stride)
        if structure["dropout"] == "all":
            net.hidden_dropout()
    net.flatten()
    for units in listed(structure["full"]):
        net.full(units).activation(structure["activation"]).hidden_dropout()
    return net.full(outputs).plan()


def _channels(structure: Structure) -> Sequence[int]:
    """The channels of each layer: as listed, or from one number, times `growth` from each layer to the next.

    Raises InputError where both a list and `layers` are given.
    """
    channels, layers = listed(structure["channels"]), structure["layers"]
    if len(channels) == 1:
        return [max(1, round(channels[0] * structure["growth"] ** number)) for number in range(layers)]
    if layers != 1:
        raise InputError(
            f"model convnet: layers is for channels that are one number, got layers {layers} and {len(channels)} "
            "numbers of channels"
        )
    return channels


def _each(structure: Structure, name: str, layers: int) -> Sequence[int]:
    """The option's number for each layer with channels; a single number is for all. InputError for any other count."""
    numbers = listed(structure[name])
    if len(numbers) not in (1, layers):
        raise InputError(
            f"model convnet: {name} must be one number, or one for each of {layers} layers with channels, got "
            f"{len(numbers)}"
        )
    return tuple(numbers) * (layers if len(numbers) == 1 else 1)


def _see(net: Planner, structure: Structure, channels: int, kernel: int, stride: int) -> None:
    """Add units of `channels` channels, which see the layer before as `connectivity` says."""
    if structure["padding"] == "same" and kernel > 1:
        net.pad(kernel - 1)
    if structure["connectivity"] != "full":
        kind = {"shared": "convolution", "local": "local"}[structure["connectivity"]]
        net.convolution(channels, kernel, stride=stride, kind=kind)
        return
    maps = (channels, *net.map_size(kernel, stride))
    net.flatten().full(prod(maps)).unflatten(maps)


CONVNET = Model(
    plan,
    {
        "channels": Integers((8, 16), low=1, high=WIDEST_MAPS, most=DEEPEST),
        "layers": Integer(1, low=1, high=DEEPEST),
        "growth": Number(1.0, low=0.1, high=10.0),
        "kernels": Integers((5,), low=1, high=LARGEST_PATCH, most=DEEPEST),
        "strides": Integers((1,), low=1, high=LARGEST_PATCH, most=DEEPEST),
        "padding": Choice("same", ("same", "valid")),
        "pooling": Choice("max", ("max", "average", "none")),
        "pool_sizes": Integers((2,), low=1, high=LARGEST_PATCH, most=DEEPEST),
        "pool_strides": Integers((2,), low=1, high=LARGEST_PATCH, most=DEEPEST),
        "normalisation": Choice("none", ("none", "lrn", "batch", "group")),
        "full": Integers((64,), low=1, high=WIDEST),
        "dropout": Choice("full", ("full", "all")),
        "activation": replace(ACTIVATION, default="relu"),
        "connectivity": Choice("shared", ("shared", "local", "full")),
    },
)
