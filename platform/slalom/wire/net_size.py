"""The size of a net, by which a study is checked before anything is trained, and which a trial's record shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NetSize:
    """The size of a net for inputs of a shape.

    layers: trained parameters of each layer that has any, from the inputs to the outputs
    connections: weights and biases that come into units; a shared one counts once for each unit
    hidden: the number of places at which `hidden_dropout` drops units
    uncurved: the name of a layer whose curvature cannot be estimated, or None where there is none
    paired: whether the net trains only on batches of two or more examples
    """

    layers: tuple[int, ...]
    connections: int
    hidden: int
    uncurved: str | None = None
    paired: bool = False

    @property
    def parameters(self) -> int:
        """All trained parameters."""
        return sum(self.layers)
