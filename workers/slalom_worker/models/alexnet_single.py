"""AlexNet's widths in one tower: every convolution sees all maps before it; 62,378,344 parameters.

All else is as in alexnet.py. Torchvision's `alexnet` is another net, of other widths and 61,100,840 parameters.
Source: A. Krizhevsky, I. Sutskever, G. Hinton 2012, "ImageNet classification with deep convolutional neural networks".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.models.alexnet import FULL, SIDE, WIDTHS, layers
from slalom_worker.models.base import Model
from slalom_worker.models.planner import Planner

if TYPE_CHECKING:
    from slalom_worker.models.base import Structure
    from slalom_worker.models.plan import Plan


def plan(shape: tuple[int, ...], outputs: int, _structure: Structure) -> Plan:
    """The plan with the published widths, in one tower."""
    return layers(Planner("alexnet_single", shape).input_dropout().picture(SIDE, SIDE), WIDTHS, FULL, outputs, towers=1)


ALEXNET_SINGLE = Model(plan, {})
