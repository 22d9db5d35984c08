"""LeNet-5 as it is usually built today: C3 sees all maps, pooling is not trained, the output is linear.

Two convolutions of 5 x 5 (6 and 16 maps), each with pooling of 2 x 2, then full layers of 120 and 84 units: 61,706
parameters for pictures of one channel and ten classes. Pictures smaller than 32 x 32 are framed by zeros.
After LeCun et al. 1998, "Gradient-based learning applied to document recognition", section II.B; the published net is
`lenet5`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slalom.wire.kinds import Choice
from slalom_worker.models.base import Model
from slalom_worker.models.planner import Planner
from slalom_worker.models.structure import ACTIVATION

if TYPE_CHECKING:
    from slalom_worker.models.base import Structure
    from slalom_worker.models.plan import Plan

SIDE = 32


def plan(shape: tuple[int, ...], outputs: int, structure: Structure) -> Plan:
    """The plan: C1, pooling, C3, pooling, C5, F6, output; hidden dropout is behind C5 and F6."""
    activation, pooling = structure["activation"], structure["pooling"]
    net = Planner("lenet5_modern", shape).input_dropout().picture(SIDE, SIDE)
    for channels in (6, 16):
        net.convolution(channels, 5).activation(activation).pool(pooling, 2, 2)
    net.flatten()
    for units in (120, 84):
        net.full(units).activation(activation).hidden_dropout()
    return net.full(outputs).plan()


LENET5_MODERN = Model(
    plan,
    {"pooling": Choice("max", ("max", "average")), "activation": replace(ACTIVATION, default="relu")},
)
