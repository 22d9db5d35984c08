"""The net 2c2d of DeepOBS: two convolutions and two full layers.

Convolutions of 5 x 5 with 32 and 64 maps, padded to keep the size, ReLU and max pooling of 2 x 2; a full layer of 1,024
units, ReLU; a linear output. Weights begin normal with deviation .05, cut off at twice that, biases at .05.
3,274,634 parameters for pictures of 28 x 28 and ten classes.
Source: F. Schneider, L. Balles, P. Hennig 2019, "DeepOBS: a deep learning optimizer benchmark suite", fmnist_2c2d.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.models.base import Model
from slalom_worker.models.planner import Planner

if TYPE_CHECKING:
    from slalom_worker.models.base import Structure
    from slalom_worker.models.plan import Plan

BEGIN = "deepobs"


def plan(shape: tuple[int, ...], outputs: int, _structure: Structure) -> Plan:
    """The plan. Hidden dropout, which DeepOBS has not, is behind the full layer."""
    net = Planner("2c2d", shape).input_dropout().picture()
    for channels in (32, 64):
        net.convolution(channels, 5, padding=2, begin=BEGIN).activation("relu").pool("max", 2, 2)
    net.flatten().full(1024, begin=BEGIN).activation("relu").hidden_dropout()
    return net.full(outputs, begin=BEGIN).plan()


DEEPOBS_2C2D = Model(plan, {})
