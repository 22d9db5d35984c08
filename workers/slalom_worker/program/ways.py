"""How the work of a pack's slots is done: as one or slot by slot, each kind of it by a program of its own."""

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
    )
)
"""Operations whose last bit depends on what else they do at once (measured with torch 2.13 on a CPU): at the tail of a
vector these round otherwise than within it, and a convolution of several nets takes another path than a net's own.
"""


class Way(Enum):
    """How the work of E slots is done.

    STACKED: as one, by vmap
    APART: slot by slot, each by the program of one slot, where an operation is UNEVEN; of convolutions that is also the
        fastest way on a CPU (a LeNet-5 at batch 32 takes half as long again in groups, and a fifth more unfolded)
    BY_HAND: slot by slot without a program, for a module that looks at its numbers to decide what to do
    """

    STACKED = "stacked"
    APART = "apart"
    BY_HAND = "by hand"

    def over_slots(
        self, function: Callable[[Mapping[str, Tensor], Tensor], list[Tensor]], stacks: Mapping[str, Tensor], of: Tensor
    ) -> list[Tensor]:
        """A function of one net's tensors and inputs, for E nets: each of what it gives [E, ...].

        stacks: [E, ...] by name; of: the inputs [E, ...]
        """
        if self is Way.STACKED:
            found: list[Tensor] = vmap(function)(dict(stacks), of)
            return found
        each = [function({name: stack[slot] for name, stack in stacks.items()}, of[slot]) for slot in range(len(of))]
        return [torch.stack(parts) for parts in zip(*each, strict=True)]


def find_way(function: Callable[..., list[Tensor]], arguments: Sequence[Tensor]) -> Way:
    """The way for nets whose gradients are this function's."""
    try:
        done = operations(function, arguments)
    except RuntimeError:
        return Way.BY_HAND
    return Way.APART if UNEVEN & done else Way.STACKED


class Programs:
    """The programs of one pack key, made when they are first needed.

    thin: a layer has one input or one unit; the product of a net alone is then one of vectors, which rounds otherwise
        than one in a stack, so that a slot alone is done twice
    """

    def __init__(self, way: Way, *, thin: bool) -> None:
        self.way = way
        self.thin = thin
        self._made: dict[tuple[object, ...], Program | None] = {}

    def results(
        self,
        key: tuple[object, ...],
        function: Callable[..., list[Tensor]],
        shared: Sequence[Tensor],
        stacks: Sequence[Tensor],
    ) -> list[Tensor]:
        """What a function of shared tensors and stacks [E, ...] gives, by its program where it has one.

        key: all that shapes the program but E
        """
        if self.way is Way.BY_HAND:
            return function(*shared, *stacks)
        if key not in self._made:
            alone = self.way is Way.APART
            self._made[key] = trace(function, lambda slots: [*shared, *_resized(stacks, 1 if alone else slots)])
        program = self._made[key]
        if program is None:
            return function(*shared, *stacks)
        if self.way is Way.STACKED and len(stacks[0]) == 1 and self.thin:
            return [part[:1] for part in program(2, *shared, *_resized(stacks, 2))]
        if self.way is Way.STACKED:
            return program(len(stacks[0]), *shared, *stacks)
        apart = (program(1, *shared, *slot) for slot in zip(*(torch.split(stack, 1) for stack in stacks), strict=True))
        return [torch.cat(parts) for parts in zip(*apart, strict=True)]


def _resized(stacks: Sequence[Tensor], slots: int) -> list[Tensor]:
    """Stacks for another number of slots, as many copies of the first."""
    return [stack[:1].repeat(slots, *[1] * (stack.dim() - 1)) for stack in stacks]
