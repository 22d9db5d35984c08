"""A net as a list of layers, before any of them is made: its size, and what it is assembled from.

The module loads without torch, so that a study can be checked by plans before anything is started.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slalom.wire.net_size import NetSize

if TYPE_CHECKING:
    from collections.abc import Mapping

UNCURVED: Mapping[str, str] = {
    "lrn": "local response normalisation",
    "batch": "batch normalisation",
    "group": "group normalisation",
}
"""Kinds of layers that net/curvature.py cannot handle, with their names for messages."""


@dataclass(frozen=True)
class Step:
    """A layer of a plan.

    kind: a key of assembly.KINDS
    options: the layer's keyword arguments
    parameters: the number of trained parameters
    connections: see NetSize
    """

    kind: str
    options: Mapping[str, Any]
    parameters: int = 0
    connections: int = 0


@dataclass(frozen=True)
class Plan:
    """The layers of a net.

    hidden: at how many places `hidden_dropout` drops units
    """

    steps: tuple[Step, ...]
    hidden: int

    def size(self) -> NetSize:
        """How large the net is."""
        return NetSize(
            tuple(step.parameters for step in self.steps if step.parameters),
            sum(step.connections for step in self.steps),
            self.hidden,
            next((UNCURVED[step.kind] for step in self.steps if step.kind in UNCURVED), None),
            # batch normalisation of maps of one pixel needs two examples: one has no variance
            paired=any(step.kind == "batch" and step.connections == step.parameters for step in self.steps),
        )
