"""A fully connected net of any hidden widths.

Activations: `tanh`, `logistic`, `relu`, and `scaled_tanh` = 1.7159 tanh(2x/3) (LeCun et al. 1998, "Efficient
BackProp", section 4.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import Integers, flag
from slalom_worker.models.base import Model
from slalom_worker.models.planner import Planner
from slalom_worker.models.structure import ACTIVATION, WIDEST, listed

if TYPE_CHECKING:
    from slalom_worker.models.base import Structure
    from slalom_worker.models.plan import Plan


def plan(shape: tuple[int, ...], outputs: int, structure: Structure) -> Plan:
    """The plan: input dropout; linear layer, activation and dropout for each hidden width; a last linear layer."""
    net, bias = Planner("mlp", shape), structure["bias"]
    net.flatten().input_dropout()
    for units in listed(structure["hidden"]):
        net.full(units, bias=bias, kind="linear").activation(structure["activation"]).hidden_dropout()
    return net.full(outputs, bias=bias, kind="linear").plan()


MLP = Model(
    plan,
    {"hidden": Integers((32,), low=1, high=WIDEST), "activation": ACTIVATION, "bias": flag(True)},
)
