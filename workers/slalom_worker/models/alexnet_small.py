"""AlexNet's order of layers for pictures of 28 to 64 pixels a side: small patches, few maps, torch's initial weights.

Five convolutions of 2, 4, 6, 6 and 4 times `width` maps (5 x 5 twice, then 3 x 3), ReLU, response normalisation
(or none) behind the first two, pooling behind the first, second and fifth, and two full layers of 16 times `width`
units. `towers: 2` splits the second, fourth and fifth as the published net does. Pools are two pixels apart, so they
overlap at `pool_size: 3`, and not at 2. Each option tests a claim of the source.
After A. Krizhevsky, I. Sutskever, G. Hinton 2012, "ImageNet classification with deep convolutional neural networks".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slalom.wire.kinds import Choice, Integer
from slalom_worker.models.base import Model
from slalom_worker.models.planner import Planner
from slalom_worker.models.structure import ACTIVATION

if TYPE_CHECKING:
    from slalom_worker.models.base import Structure
    from slalom_worker.models.plan import Plan

LEAST, MOST = 28, 64


def plan(shape: tuple[int, ...], outputs: int, structure: Structure) -> Plan:
    """The plan: five convolutions, of which the second, fourth and fifth may have towers, then full layers."""
    net = Planner("alexnet_small", shape).input_dropout().picture(LEAST, MOST)
    width, towers, activation = 2 * structure["width"], structure["towers"], structure["activation"]
    wide = ((width, 5, 1, True), (2 * width, 5, towers, True))
    deep = ((3 * width, 3, 1, False), (3 * width, 3, towers, False), (2 * width, 3, towers, True))
    for channels, kernel, groups, pooled in (*wide, *deep):
        net.convolution(channels, kernel, padding=kernel // 2, groups=groups).activation(activation)
        if kernel == 5 and structure["normalisation"] == "lrn":
            net.normalise("lrn", towers)
        if pooled:
            net.pool("max", structure["pool_size"], 2)
    net.flatten()
    for _ in range(2):
        net.full(8 * width).activation(activation).hidden_dropout()
    return net.full(outputs).plan()


ALEXNET_SMALL = Model(
    plan,
    {
        "width": Integer(8, low=1, high=256),
        "towers": Choice(1, (1, 2)),
        "normalisation": Choice("lrn", ("none", "lrn")),
        "pool_size": Integer(3, low=2, high=3),
        "activation": replace(ACTIVATION, default="relu"),
    },
)
