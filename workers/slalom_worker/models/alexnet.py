"""AlexNet as published: two towers, response normalisation behind ReLU, overlapping pooling; 60,965,224 parameters.

Convolutions of 96 maps (11 x 11, stride 4), 256 (5 x 5), 384, 384 and 256 (3 x 3); the second, fourth and fifth see
their own tower alone. Normalisation behind the first two, pooling of 3 x 3 two pixels apart behind those and the fifth;
two full layers of 4,096 units with dropout (`hidden_dropout: 0.5` as published). Weights begin normal with deviation
.01, biases at 1 in the second, fourth and fifth convolution and in the hidden full layers, else at 0. Pictures smaller
than 227 x 227 are framed by zeros, as the published 224 x 224.
Source: A. Krizhevsky, I. Sutskever, G. Hinton 2012, "ImageNet classification with deep convolutional neural networks".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.models.base import Model
from slalom_worker.models.planner import Planner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom_worker.models.base import Structure
    from slalom_worker.models.plan import Plan

SIDE = 227
WIDTHS, FULL = (96, 256, 384, 384, 256), (4096, 4096)
ZERO, ONE = "alexnet", "alexnet, bias 1"


def layers(net: Planner, widths: Sequence[int], full: Sequence[int], outputs: int, towers: int) -> Plan:
    """The plan of AlexNet's layers with these widths, for pictures of at least 67 x 67 pixels."""
    first, second, third, fourth, fifth = widths
    net.convolution(first, 11, stride=4, begin=ZERO).activation("relu")
    net.normalise("lrn", towers).pool("max", 3, 2)
    net.convolution(second, 5, padding=2, groups=towers, begin=ONE).activation("relu")
    net.normalise("lrn", towers).pool("max", 3, 2)
    net.convolution(third, 3, padding=1, begin=ZERO).activation("relu")
    net.convolution(fourth, 3, padding=1, groups=towers, begin=ONE).activation("relu")
    net.convolution(fifth, 3, padding=1, groups=towers, begin=ONE).activation("relu")
    net.pool("max", 3, 2).flatten()
    for units in full:
        net.full(units, begin=ONE).activation("relu").hidden_dropout()
    return net.full(outputs, begin=ZERO).plan()


def plan(shape: tuple[int, ...], outputs: int, _structure: Structure) -> Plan:
    """The plan with the published widths, in two towers."""
    return layers(Planner("alexnet", shape).input_dropout().picture(SIDE, SIDE), WIDTHS, FULL, outputs, towers=2)


ALEXNET = Model(plan, {})
