"""Makes a planned net: a torch module of the plan's layers, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from slalom_worker.models.activations import ACTIVATIONS
from slalom_worker.models.average import Average
from slalom_worker.models.greatest import Greatest
from slalom_worker.models.linear import Linear
from slalom_worker.models.local import Local
from slalom_worker.models.maps import Maps
from slalom_worker.models.picture import Affine, Picture
from slalom_worker.models.radial import Radial
from slalom_worker.models.response import ResponseNormalisation
from slalom_worker.models.started import Convolution, Full
from slalom_worker.models.subsampling import Subsampling
from slalom_worker.regularizers import SlotDropout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from slalom_worker.models.plan import Plan


KINDS: Mapping[str, Callable[..., nn.Module]] = {
    **ACTIVATIONS,
    "affine": Affine,
    "average": Average,
    "batch": lambda channels: nn.BatchNorm2d(channels),
    "convolution": Convolution,
    "dropout": SlotDropout,
    "flatten": nn.Flatten,
    "full": Full,
    "group": lambda channels, groups: nn.GroupNorm(groups, channels),
    "linear": lambda inputs, units, bias: Linear(inputs, units, bias),
    "local": Local,
    "lrn": ResponseNormalisation,
    "maps": Maps,
    "max": Greatest,
    "pad": lambda padding, value: nn.ConstantPad2d(padding, value),
    "picture": Picture,
    "radial": Radial,
    "subsampling": Subsampling,
    "unflatten": lambda maps: nn.Unflatten(1, maps),
}
"""For each kind of layer, what makes it from its options, which are keyword arguments."""


def assemble(plan: Plan) -> nn.Sequential:
    """The net, with weights drawn from torch's global generator layer by layer."""
    return nn.Sequential(*(KINDS[step.kind](**step.options) for step in plan.steps))
