"""A fully connected net of any hidden widths.

Activations: `tanh`, `logistic`, `relu`, and `scaled_tanh` = 1.7159 tanh(2x/3) (LeCun et al. 1998, "Efficient
BackProp", section 4.4).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from slalom.wire.kinds import Choice, Integers, flag
from slalom_worker.models.base import Model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import nn


WIDEST = 65_536
"""Units of a hidden layer, at most."""


def build(shape: tuple[int, ...], outputs: int, structure: Mapping[str, Any]) -> nn.Module:
    """The net: input dropout; linear layer, activation and dropout for each hidden width; a last linear layer."""
    from math import prod

    from torch import nn

    from slalom_worker.models import activations
    from slalom_worker.models.linear import Linear
    from slalom_worker.regularizers.dropout import SlotDropout

    activation = activations.ACTIVATIONS[structure["activation"]]
    layers: list[nn.Module] = [nn.Flatten(), SlotDropout("input_dropout")]
    width = prod(shape)
    for number, hidden in enumerate(_widths(structure), start=1):
        layers += [Linear(width, hidden, structure["bias"]), activation(), SlotDropout("hidden_dropout", layer=number)]
        width = hidden
    return nn.Sequential(*layers, Linear(width, outputs, structure["bias"]))


def _widths(structure: Mapping[str, Any]) -> Sequence[int]:
    """The widths of the hidden layers; a searched width is a number, for one layer."""
    hidden = structure["hidden"]
    return (hidden,) if isinstance(hidden, int) else hidden


def _weights(inputs: int, outputs: int, structure: Mapping[str, Any]) -> int:
    widths = (inputs, *_widths(structure), outputs)
    return sum((one + structure["bias"]) * other for one, other in pairwise(widths))


MLP = Model(
    build,
    {
        "hidden": Integers((32,), low=1, high=WIDEST),
        "activation": Choice("tanh", ("tanh", "logistic", "relu", "scaled_tanh")),
        "bias": flag(True),
    },
    lambda structure: len(_widths(structure)) + 1,
    _weights,
)
