"""What a model is to a pack: a function that builds an ordinary torch module; loads without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

    from slalom.wire.kinds import Kind


@dataclass(frozen=True)
class Model:
    """A family of nets.

    structure: what a study may set under `model:`
    layers: the number of layers with weights in a net of a structure
    weights: the number of weights in a net for so many inputs and outputs, of a structure
    build: (shape of one input, outputs, structure) -> module from inputs [B, *shape] to outputs [B, k],
        its weights drawn from torch's global generator, which the pack seeds
    """

    build: Callable[[tuple[int, ...], int, Mapping[str, Any]], nn.Module]
    structure: Mapping[str, Kind]
    layers: Callable[[Mapping[str, Any]], int]
    weights: Callable[[int, int, Mapping[str, Any]], int]
