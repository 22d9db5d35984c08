"""How large a net is: what a study is checked by before anything is trained, and what a trial's record shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NetSize:
    """The size of a net for inputs of a shape.

    layers: trained parameters of each layer that has any, from the inputs to the outputs
    connections: weights and biases that come into units, those that units share counted once for each unit
    hidden: how many places there are at which `hidden_dropout` drops units
    uncurved: what a layer is called of which no curvature is estimated, or None where all have one
    paired: it trains on batches of two examples or more alone
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
