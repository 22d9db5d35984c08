"""The net of LeCun et al. 1989, which read zip codes: 9,760 parameters, 64,660 connections.

H1: 12 maps of 8 x 8, patches of 5 x 5 two pixels apart; H2: 12 maps of 4 x 4, likewise, each seeing eight maps of H1;
H3: 30 units; ten outputs. Weights are shared within a map, biases are not: every unit has its own. The activation is
1.7159 tanh(2x/3), the outputs' by `loss: {name: squared_error, output: scaled_tanh, low: -1, high: 1}`; weights
begin uniform in +-2.4/fan-in. Inputs in [0, 1] become -1 to 1; pictures smaller than 16 x 16 are enlarged and framed.
The source does not say which maps H2 sees; here they are 0-7 for the first four, 4-11 for the next, and 0-3 and 8-11
for the last.
Source: LeCun et al. 1989, "Backpropagation applied to handwritten zip code recognition".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.models.base import Model
from slalom_worker.models.planner import Planner

if TYPE_CHECKING:
    from slalom_worker.models.base import Structure
    from slalom_worker.models.plan import Plan

SIDE = 16
BEGIN = "lecun"
MAPS = 12
BACKGROUND = -1.0

H2 = (*[tuple(range(8))] * 4, *[tuple(range(4, 12))] * 4, *[(*range(4), *range(8, 12))] * 4)
"""Which maps of H1 each map of H2 sees."""


def plan(shape: tuple[int, ...], outputs: int, _structure: Structure) -> Plan:
    """The plan: H1, H2, H3, output; hidden dropout is behind H3."""
    net = Planner("lenet1989", shape).input_dropout().picture(SIDE, SIDE)
    net.add("affine", factor=1 - BACKGROUND, shift=BACKGROUND)
    h1 = [tuple(range(net.shape[0]))] * MAPS
    for table in (h1, H2):
        net.pad(4, BACKGROUND).maps(table, 5, stride=2, own_biases=True, begin=BEGIN).activation("scaled_tanh")
    net.flatten().full(30, begin=BEGIN).activation("scaled_tanh").hidden_dropout()
    return net.full(outputs, begin=BEGIN).plan()


LENET1989 = Model(plan, {})
