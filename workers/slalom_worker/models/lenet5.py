"""LeNet-5 as published: partly connected maps, trained subsampling, and an output that measures distances to codes.

C1 156, S2 12, C3 1,516, S4 32, C5 48,120, F6 10,164: 60,000 parameters for pictures of one channel, and 340,908
connections, with the 840 fixed ones of the output. The activation is 1.7159 tanh(2x/3); weights begin uniform in
+-2.4/fan-in. Inputs in [0, 1] become -0.1 (background) to 1.175 (ink); pictures smaller than 32 x 32 are framed. The
outputs are minus the squared distances to ten codes, for the loss `radial` (or any other of classes); see radial.py.
Source: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition", section II.B
and Table I.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.errors import InputError
from slalom_worker.models.base import Model
from slalom_worker.models.planner import Planner

if TYPE_CHECKING:
    from slalom_worker.models.base import Structure
    from slalom_worker.models.plan import Plan

SIDE = 32
BACKGROUND, INK = -0.1, 1.175
BEGIN = "lecun"
CODES, CODE = 10, 84

C3 = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)
"""Which maps of S2 each map of C3 sees."""


def plan(shape: tuple[int, ...], outputs: int, _structure: Structure) -> Plan:
    """The plan: C1, S2, C3, S4, C5, F6, output; hidden dropout is behind C5. InputError unless the classes are ten."""
    if outputs != CODES:
        raise InputError(f"model lenet5 has codes for {CODES} classes, digits, but the task has {outputs}")
    net = Planner("lenet5", shape).input_dropout().picture(SIDE, SIDE)
    net.add("affine", factor=INK - BACKGROUND, shift=BACKGROUND)
    net.convolution(6, 5, begin=BEGIN).activation("scaled_tanh")
    net.subsampling(BEGIN).activation("scaled_tanh")
    net.maps(C3, 5, begin=BEGIN).activation("scaled_tanh")
    net.subsampling(BEGIN).activation("scaled_tanh")
    net.convolution(120, 5, begin=BEGIN).activation("scaled_tanh").flatten().hidden_dropout()
    net.full(CODE, begin=BEGIN).activation("scaled_tanh")
    return net.add("radial", shape=(CODES,), connections=CODES * CODE).plan()


LENET5 = Model(plan, {})
