"""A fully connected net of any hidden widths.

Activations: `tanh`, `logistic`, `relu`, and `scaled_tanh` = 1.7159 tanh(2x/3) (LeCun et al. 1998, "Efficient
BackProp", section 4.4). Weights and biases start uniform in +-1/sqrt(fan-in), torch's default for linear layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slalom.settings import Choice, Integers
from slalom_worker.models.base import Model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn


def build(shape: tuple[int, ...], classes: int, structure: Mapping[str, Any]) -> nn.Module:
    """Input dropout, then linear, activation and dropout for each hidden width, then a linear layer of logits."""
    from math import prod

    from torch import nn

    from slalom_worker.models import activations
    from slalom_worker.models.linear import Linear
    from slalom_worker.regularizers.dropout import SlotDropout

    activation = activations.ACTIVATIONS[structure["activation"]]
    layers: list[nn.Module] = [nn.Flatten(), SlotDropout("input_dropout")]
    width = prod(shape)
    for hidden in structure["hidden"]:
        layers += [Linear(width, hidden), activation(), SlotDropout("hidden_dropout")]
        width = hidden
    return nn.Sequential(*layers, Linear(width, classes))


MLP = Model(
    build,
    {
        "hidden": Integers((32,), low=1),
        "activation": Choice("tanh", ("tanh", "logistic", "relu", "scaled_tanh")),
    },
)
