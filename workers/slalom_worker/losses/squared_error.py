"""Half the squared error, summed over the outputs: 1/2 sum_k (f(output_k) - target_k)^2.

A class's targets are `high` at its own output and `low` at the others; in a regression the targets are the labels.
`output` is the function f of the output units, "linear" for none. If f is a sigmoid, targets at its ends make the
weights grow without end, so Efficient BackProp puts targets within its range (+-1 for 1.7159 tanh(2x/3)).
Source: LeCun et al. 1998, "Efficient BackProp", sections 4.4 and 4.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import Choice, Number
from slalom_worker.losses.base import Loss

if TYPE_CHECKING:
    from torch import Tensor

    from slalom_worker.losses.base import Options


def each(outputs: Tensor, labels: Tensor, options: Options) -> Tensor:
    """Losses [E, B], computed with outputs before examples, as they lie in memory."""
    errors: Tensor = squash(outputs.mT, options) - targets(outputs, labels, options).mT
    return (errors * errors).sum(-2) / 2


def of_mean(outputs: Tensor, shares: Tensor, labels: Tensor, options: Options) -> Tensor:
    """Losses [n] of the mean of the nets' squashed outputs."""
    mean = (squash(outputs, options) * shares.unsqueeze(-1)).sum(0)
    return each(mean.unsqueeze(0), labels.unsqueeze(0), {**options, "output": "linear"})[0]


def targets(outputs: Tensor, labels: Tensor, options: Options) -> Tensor:
    """Targets [E, B, k] for classes [E, B]; labels that are numbers [E, B, k] are returned unchanged."""
    if labels.is_floating_point():
        return labels
    import torch

    own: Tensor = labels.unsqueeze(-1) == torch.arange(outputs.shape[-1], device=labels.device)
    span, low = float(options["high"] - options["low"]), float(options["low"])
    return own.to(outputs.dtype) * span + low


def squash(outputs: Tensor, options: Options) -> Tensor:
    """The output units' function of the outputs, of the same shape."""
    from slalom_worker.models.activations import ACTIVATIONS

    squashed: Tensor = outputs if options["output"] == "linear" else ACTIVATIONS[options["output"]]()(outputs)
    return squashed


def second(outputs: Tensor, options: Options) -> Tensor:
    """The second derivatives [n, k]: the square of the output function's derivative, 1 where there is no function."""
    from torch.func import vjp

    squashed, pull, *_ = vjp(lambda outputs: squash(outputs, options), outputs)
    slope: Tensor = pull(squashed.new_ones(squashed.shape))[0]
    return slope * slope


def predict(outputs: Tensor, options: Options, numbers: bool) -> Tensor:
    """Numbers [n, k], or class shares [n, k] of sum 1 by how far each output is from `low` towards `high`."""
    squashed = squash(outputs, options)
    if numbers:
        return squashed
    shares: Tensor = ((squashed - options["low"]) / (options["high"] - options["low"])).clamp(1e-6, 1)
    return shares / shares.sum(-1, keepdim=True)


SQUARED_ERROR = Loss(
    each,
    second,
    of_mean,
    predict,
    parameters={
        "low": Number(0.0),
        "high": Number(1.0),
        "output": Choice("linear", ("linear", "logistic", "tanh", "scaled_tanh")),
    },
)
