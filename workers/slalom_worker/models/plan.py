"""A net as a list of layers, before any of them is made: how large it is, and what it is assembled from.

It loads without torch, so that a study is checked by it before anything is started.
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
"""Kinds of layers of which net/curvature.py estimates no curvature, and what they are called."""


@dataclass(frozen=True)
class Step:
    """A layer, one after the other.

    kind: its name in assembly.KINDS
    options: what it is made with, by name
    parameters: how many of it are trained
    connections: see NetSize
    """

    kind: str
    options: Mapping[str, Any]
    parameters: int = 0
    connections: int = 0


@dataclass(frozen=True)
class Plan:
    """The layers of a net, and at how many places `hidden_dropout` drops units."""

    steps: tuple[Step, ...]
    hidden: int

    def size(self) -> NetSize:
        """How large the net is."""
        return NetSize(
            tuple(step.parameters for step in self.steps if step.parameters),
            sum(step.connections for step in self.steps),
            self.hidden,
            next((UNCURVED[step.kind] for step in self.steps if step.kind in UNCURVED), None),
            # maps of one pixel: the variance of a batch of one example is none
            paired=any(step.kind == "batch" and step.connections == step.parameters for step in self.steps),
        )
