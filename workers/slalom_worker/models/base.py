"""What a model is to a pack: a plan of layers, from which a torch module is made. The module loads without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

    from slalom.wire.kinds import Kind
    from slalom.wire.net_size import NetSize
    from slalom_worker.models.plan import Plan

    Structure = Mapping[str, Any]


@dataclass(frozen=True)
class Model:
    """A family of nets.

    plan: (shape of one input, outputs, structure) -> the net's layers; InputError, with the reason, where a net of that
        structure does not fit inputs of that shape
    structure: what a study may set under `model:`
    """

    plan: Callable[[tuple[int, ...], int, Structure], Plan]
    structure: Mapping[str, Kind]

    def size(self, shape: tuple[int, ...], outputs: int, structure: Structure) -> NetSize:
        """How large a net is; raises InputError as `plan` does."""
        return self.plan(shape, outputs, structure).size()

    def build(self, shape: tuple[int, ...], outputs: int, structure: Structure) -> nn.Module:
        """A module from inputs [B, ...] to outputs [B, k]; raises InputError as `plan` does.

        The weights are drawn from torch's global generator, which the pack seeds.
        """
        from slalom_worker.models.assembly import assemble

        return assemble(self.plan(shape, outputs, structure))
