"""How a function is computed for all slots of a pack: stacked or slot by slot, by recorded programs."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import torch
from torch.func import vmap

from slalom_worker.program.tracing import Program, operations, trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

UNEVEN = frozenset(
    (
        *("atan2", "atanh", "celu", "convolution", "cosh", "elu", "exp2", "gelu", "hypot", "logaddexp", "mish", "pow"),
        *("selu", "sigmoid", "silu", "sinh", "softplus"),
        *("addmm", "mm"),
    )
)
"""Operations that give an element another last bit beside other elements (measured with torch 2.13 on a CPU): they
round otherwise at the tail of a vector than within it, a convolution of several nets takes another path than one of a
single net, and a product by a matrix that nets share (`mm`, `addmm`) has their weights as its rows.
"""


class Way(Enum):
    """How a function is computed for E slots.

    STACKED: all slots at once, by vmap
    APART: slot by slot, each by the program of one slot; for a net with an operation in UNEVEN. For convolutions it is
        the fastest way on a CPU, too (a LeNet-5 at batch 32 takes half as long again in groups, and a fifth more
        unfolded)
    BY_HAND: slot by slot without a program; for a module whose operations depend on the numbers it computes
    """

    STACKED = "stacked"
    APART = "apart"
    BY_HAND = "by hand"

    def over_slots(
        self, function: Callable[[Mapping[str, Tensor], Tensor], list[Tensor]], stacks: Mapping[str, Tensor], of: Tensor
    ) -> list[Tensor]:
        """The results [E, ...] of a function of one net's tensors and inputs, for E nets.

        stacks: the nets' tensors [E, ...] by name
        of: the nets' inputs [E, ...]
        """
        if self is Way.STACKED:
            found: list[Tensor] = vmap(function)(dict(stacks), of)
            return found
        each = [function({name: stack[slot] for name, stack in stacks.items()}, of[slot]) for slot in range(len(of))]
        return [torch.stack(parts) for parts in zip(*each, strict=True)]


def find_way(function: Callable[..., list[Tensor]], arguments: Sequence[Tensor]) -> Way:
    """The way for nets whose gradients this function computes from these arguments."""
    try:
        done = operations(function, arguments)
    except RuntimeError:
        return Way.BY_HAND
    return Way.APART if UNEVEN & done else Way.STACKED


class Programs:
    """The programs of one pack key, recorded when they are first needed.

    thin: whether a layer has one input or one unit. The matrix products of a single slot are then products of vectors,
        as they are for one example, which round otherwise than those of several slots, so a single slot is computed as
        two equal ones.
    """

    def __init__(self, way: Way, *, thin: bool) -> None:
        self.way = way
        self.thin = thin
        self._made: dict[tuple[object, ...], Program | None] = {}

    def results(
        self,
        key: tuple[object, ...],
        examples: int,
        function: Callable[..., list[Tensor]],
        shared: Sequence[Tensor],
        stacks: Sequence[Tensor],
    ) -> list[Tensor]:
        """The results of function(*shared, *stacks), by the function's program where it has one.

        key: names the program; everything that shapes the program, but E and the examples, must be in the key
        examples: how many each slot has
        shared: tensors that all slots share
        stacks: tensors [E, ...]
        """
        if self.way is Way.BY_HAND:
            return function(*shared, *stacks)
        name = (*key, examples)
        if name not in self._made:
            alone = self.way is Way.APART
            self._made[name] = trace(function, lambda slots: [*shared, *_resized(stacks, 1 if alone else slots)])
        program = self._made[name]
        if program is None:
            return function(*shared, *stacks)
        if self.way is Way.STACKED and len(stacks[0]) == 1 and (self.thin or examples == 1):
            return [part[:1] for part in program(2, *shared, *_resized(stacks, 2))]
        if self.way is Way.STACKED:
            return program(len(stacks[0]), *shared, *stacks)
        apart = (program(1, *shared, *slot) for slot in zip(*(torch.split(stack, 1) for stack in stacks), strict=True))
        return [torch.cat(parts) for parts in zip(*apart, strict=True)]


def _resized(stacks: Sequence[Tensor], slots: int) -> list[Tensor]:
    """Stacks of copies of the first slot, for another number of slots."""
    return [stack[:1].repeat(slots, *[1] * (stack.dim() - 1)) for stack in stacks]
