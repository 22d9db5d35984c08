"""The diagonal of the Gauss-Newton matrix: how fast the loss's slope changes along each parameter.

The diagonal comes of a backward recursion with squared weights, which leaves out entries off the diagonal. From the
second derivative h of the loss by a layer's outputs it computes those by the layer's inputs x and weights w:

    linear in x and w, a = w x:  h_x = (w^2)^T h_a,  h_w = h_a (x^2)^T, summed over whatever shares w
    elementwise, x = f(a):       h_a = f'(a)^2 h_x
    moving or choosing entries:  h goes where a gradient would

One hidden layer with squared error has the exact diagonal, others an approximation that is never negative. Source:
LeCun et al. 1998, "Efficient BackProp", sections 7.3 and 9.1; Becker and LeCun 1989, "Improving the convergence of
back-propagation learning with second-order methods".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call, vjp

from slalom.errors import InputError
from slalom_worker.models.activations import ACTIVATIONS
from slalom_worker.models.average import Average
from slalom_worker.models.greatest import Greatest
from slalom_worker.models.linear import Linear
from slalom_worker.models.local import Local
from slalom_worker.models.maps import Maps
from slalom_worker.models.picture import Affine, Picture
from slalom_worker.models.radial import Radial
from slalom_worker.models.started import Convolution, Full
from slalom_worker.models.subsampling import Subsampling
from slalom_worker.regularizers import SlotDropout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class Layer:
    """A module of a chain.

    prefix: the prefix of the module's parameters in the whole net, such as "2."
    """

    prefix: str
    module: nn.Module

    def __call__(self, weights: Weights, inputs: Tensor) -> Tensor:
        """The layer's outputs for these weights, which have their names in the layer."""
        outputs: Tensor = functional_call(self.module, dict(weights), (inputs,))
        return outputs

    def own(self, weights: Weights) -> dict[str, Tensor]:
        """The layer's weights, by their names in the layer, from the whole net's."""
        return {name: weights[self.prefix + name] for name, _ in self.module.named_parameters()}


Back = Callable[[Tensor], tuple[dict[str, Tensor], Tensor]]
"""A function from the second derivatives by a layer's outputs to those by its weights, summed over examples, and by its
inputs.
"""


def _linear(layer: Layer, weights: Weights, inputs: Tensor) -> tuple[Tensor, Back]:
    def back(second: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        # the layer's own gradients, at squares of what they are products of
        squares = {name: weight * weight for name, weight in weights.items()}
        by_weights, by_inputs = vjp(layer, squares, inputs * inputs)[1](second)
        return by_weights, by_inputs

    return layer(weights, inputs), back


def _elementwise(layer: Layer, weights: Weights, inputs: Tensor) -> tuple[Tensor, Back]:
    outputs, pull, *_ = vjp(lambda inputs: layer(weights, inputs), inputs)

    def back(second: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        (slope,) = pull(torch.ones_like(second))
        return {}, second * slope * slope

    return outputs, back


def _choice(layer: Layer, weights: Weights, inputs: Tensor) -> tuple[Tensor, Back]:
    outputs, pull, *_ = vjp(lambda inputs: layer(weights, inputs), inputs)
    return outputs, lambda second: ({}, pull(second)[0])


def _average(layer: Layer, weights: Weights, inputs: Tensor) -> tuple[Tensor, Back]:
    """For means over `pixels` pixels: the weights, 1 / pixels, are squared."""
    outputs, pull, *_ = vjp(lambda inputs: layer(weights, inputs), inputs)
    pixels: Any = layer.module.pixels
    return outputs, lambda second: ({}, pull(second)[0] / pixels)


def _radial(layer: Layer, weights: Weights, inputs: Tensor) -> tuple[Tensor, Back]:
    """For minus squared distances, whose slopes are twice the differences."""
    apart = inputs.unsqueeze(-2) - layer.module.get_buffer("codes")
    slopes = 4 * apart * apart
    return layer(weights, inputs), lambda second: ({}, (second.unsqueeze(-1) * slopes).sum(-2))


LAYERS: Mapping[type[nn.Module], Callable[[Layer, Weights, Tensor], tuple[Tensor, Back]]] = {
    **dict.fromkeys((Linear, nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d), _linear),
    **dict.fromkeys((Convolution, Full, Local, Maps, Subsampling), _linear),
    Average: _average,
    Radial: _radial,
    **dict.fromkeys((nn.CELU, nn.ELU, nn.GELU, nn.LeakyReLU, nn.LogSigmoid, nn.Mish, nn.ReLU), _elementwise),
    **dict.fromkeys((nn.SELU, nn.SiLU, nn.Sigmoid, nn.Softplus, nn.Softsign, nn.Tanh), _elementwise),
    **{type(make()): _elementwise for make in ACTIVATIONS.values()},
    Affine: _elementwise,
    **dict.fromkeys((nn.Flatten, nn.Identity, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, SlotDropout), _choice),
    **dict.fromkeys((nn.ConstantPad2d, nn.Unflatten, Greatest, Picture), _choice),
}
"""A function for each type of layer that gives the layer's outputs and its `Back`. Dropout layers drop nothing."""


def chain(module: nn.Module) -> list[Layer]:
    """The net as a chain of layers; InputError, with the reason, where the net is no chain of LAYERS.

    It fails, too, where layers share weights or weights are frozen.
    """
    layers = _flat(module, "")
    named = [layer.prefix + name for layer in layers for name, _ in layer.module.named_parameters()]
    if named != [name for name, _ in module.named_parameters()]:
        raise InputError(
            "model: curvature is estimated in nets whose layers have their own weights, but here some share"
        )
    if not all(parameter.requires_grad for parameter in module.parameters()):
        raise InputError(
            "model: curvature is estimated in nets that are trained whole, but here some weights are frozen"
        )
    return layers


def _flat(module: nn.Module, prefix: str) -> list[Layer]:
    if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
        parts = module._modules.items()  # named_children leaves out what comes a second time
        return [layer for name, part in parts if part for layer in _flat(part, f"{prefix}{name}.")]
    if type(module) not in LAYERS:
        raise InputError(
            "model: curvature (of levenberg_marquardt, or recorded) is estimated in an nn.Sequential of "
            f"{', '.join(sorted({kind.__name__ for kind in LAYERS}))}, but {prefix.rstrip('.') or 'the net'} is "
            f"{type(module).__name__}"
        )
    return [Layer(prefix, module)]


class LossSlopes(NamedTuple):
    """A loss's derivatives by a net's outputs [B, k], as functions of the outputs.

    second: second derivatives [B, k]
    first: the sum [B] of the first derivatives over an example's outputs, or None; see Loss.slope
    """

    second: Callable[[Tensor], Tensor]
    first: Callable[[Tensor], Tensor] | None = None


def diagonal(layers: Sequence[Layer], loss: LossSlopes, weights: Weights, inputs: Tensor) -> list[Tensor]:
    """The diagonal of one net's Gauss-Newton matrix, summed over examples: a tensor for each weight, in order.

    A radial output counts as a part of the loss: its own second derivatives, -2, are multiplied by the loss's slopes.
    inputs: [B, *shape]
    """
    backs: list[Back] = []
    outputs = inputs
    for layer in layers:
        outputs, back = LAYERS[type(layer.module)](layer, layer.own(weights), outputs)
        backs.append(back)
    second = loss.second(outputs)
    found: list[Tensor] = []
    for layer, back in zip(reversed(layers), reversed(backs), strict=True):
        by_weights, second = back(second)
        if isinstance(layer.module, Radial) and loss.first is not None:
            second = second - 2 * loss.first(outputs).unsqueeze(-1)
        found = [*(by_weights[name] for name, _ in layer.module.named_parameters()), *found]
    return found
