"""How a function is computed for all slots of a pack: stacked or slot by slot, with recorded programs."""

from __future__ import annotations

import warnings
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch.func import vmap

from slalom_worker.program.looking import LEAVING, LOOKING
from slalom_worker.program.tracing import Program, operations, trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

EVEN = frozenset(
    (
        *(
            "_to_copy",
            "alias",
            "arange",
            "as_strided",
            "cat",
            "clone",
            "constant_pad_nd",
            "copy_",
            "detach",
            "empty_like",
        ),
        *(
            "expand",
            "fill",
            "flip",
            "full_like",
            "gather",
            "index",
            "index_put",
            "lift_fresh",
            "new_zeros",
            "ones_like",
        ),
        *(
            "permute",
            "reshape",
            "scatter_add",
            "select",
            "select_backward",
            "slice",
            "slice_backward",
            "split",
            "squeeze",
        ),
        *("stack", "transpose", "unbind", "unsqueeze", "view", "_unsafe_view", "zeros_like"),
        *("abs", "add", "amax", "clamp", "div", "eq", "ge", "gt", "hardtanh", "hardtanh_backward", "le", "leaky_relu"),
        *("leaky_relu_backward", "lt", "maximum", "minimum", "mul", "ne", "neg", "relu", "sgn", "sub", "threshold"),
        *("threshold_backward", "where"),
        *("exp", "log", "sqrt", "tanh", "tanh_backward"),
        *("_log_softmax", "_log_softmax_backward_data", "_softmax", "_softmax_backward_data", "bmm", "mean"),
        *("native_layer_norm", "native_layer_norm_backward", "sum"),
    )
)
"""Operations that give an element the same bits whatever the number of slots: they copy, or round each element alone,
or were measured at many widths (torch 2.13 on a CPU).

Known to give other bits are operations that round differently at the tail of a vector than within it (`atan2`, `atanh`,
`celu`, `cosh`, `elu`, `exp2`, `gelu`, `hypot`, `logaddexp`, `mish`, `pow`, `selu`, `sigmoid`, `silu`, `sinh`,
`softplus`), a convolution, which takes another path for several nets than for one, and a product by a matrix that nets
share (`mm`, `addmm`), which has the nets' weights as its rows. All other operations are untested, so they are computed
slot by slot, too.
"""

ELEMENTWISE = frozenset(
    (
        *("atan2", "atanh", "celu", "cos", "cosh", "elu", "elu_backward", "erf", "exp2", "fill_", "gelu"),
        *("gelu_backward", "hypot", "log1p", "log_sigmoid_backward", "log_sigmoid_forward", "logaddexp", "mish"),
        *("mish_backward", "pow", "reciprocal", "rsqrt", "selu", "sigmoid", "sigmoid_backward", "silu"),
        *("silu_backward", "sin", "sinh", "softplus", "softplus_backward", "sub_"),
    )
)
"""Elementwise operations that are not in EVEN, most of them since they round differently at the tail of a processor's
vectors. A GPU has no such tails, since each element has its own thread, so there they count as even.
"""

ALIGNED, CONTIGUOUS = 64, torch.contiguous_format
"""Alignment in bytes of memory that torch allocates, and the memory format of a fresh tensor."""

LOOKS = "vmap: It looks like"
"""How torch's error begins where a module under vmap reads its numbers."""


class Way(Enum):
    """How a function is computed for E slots.

    STACKED: all slots at once, by vmap
    APART: slot by slot, each by the program of one slot; for a net with an operation that is not even (see `even`) or
        that vmap does not support. It is the fastest way for convolutions on a CPU, too (a LeNet-5 at batch 32 takes
        half as long again in groups, and a fifth more unfolded)
    BY_HAND: slot by slot without a program; for a module, or a loss, whose operations depend on the numbers it computes
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


def even(device: str) -> frozenset[str]:
    """The operations that give an element the same bits whatever the number of slots, on a kind of device."""
    return EVEN if device == "cpu" else EVEN | ELEMENTWISE


def find_way(function: Callable[..., list[Tensor]], stacks: Sequence[Tensor]) -> Way:
    """The way for nets, found by trying a function that computes their gradients and outputs.

    function: (way, *stacks [E, ...]) -> results; stacks: example arguments
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "There is a performance drop", UserWarning)  # such nets are not stacked
            done = operations(partial(function, Way.STACKED), stacks)
        if done <= even(stacks[0].device.type):
            return Way.STACKED
    except RuntimeError as exc:
        if str(exc).startswith(LOOKS):
            return Way.BY_HAND
    try:
        done = operations(partial(function, Way.APART), [stack[:1] for stack in stacks])
    except RuntimeError:
        return Way.BY_HAND
    return Way.BY_HAND if done & (LOOKING | LEAVING) else Way.APART


class Programs:
    """The programs of one pack key, recorded when they are first needed.

    thin: whether a layer has one input or one unit. A single slot's matrix products are then products of vectors, as
        they are for one example, and round differently from those of several slots, so a single slot is computed as
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
        """The results of function(*shared, *stacks), computed by the function's program where it has one.

        key: names the program; everything that shapes the program, except E and `examples`, must be in the key
        examples: the number of examples of each slot
        shared: tensors that all slots share
        stacks: tensors [E, ...]
        """
        if self.way is Way.BY_HAND:
            return _slot_by_slot(lambda slot: function(*shared, *slot), stacks)
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
        return _slot_by_slot(lambda slot: program(1, *shared, *slot), stacks)


def _slot_by_slot(function: Callable[[list[Tensor]], list[Tensor]], stacks: Sequence[Tensor]) -> list[Tensor]:
    """The results [E, ...] of a function of one slot's tensors [1, ...]."""
    each = zip(*(torch.split(stack, 1) for stack in stacks), strict=True)
    apart = (function([*map(_laid_out, slot)]) for slot in each)
    return [torch.cat(parts) for parts in zip(*apart, strict=True)]


def _resized(stacks: Sequence[Tensor], slots: int) -> list[Tensor]:
    """Stacks [slots, ...] of copies of the first slot, laid out in memory with a gap behind each copy.

    A pack's weights have such gaps, since they are views of its parameters [E, P]: a program that is recorded with
    gaps takes all layouts.
    """
    found = []
    for stack in stacks:
        own = stack[:1]
        room = own.new_empty(slots, own.numel() + 1)[:, :-1].view(slots, *own.shape[1:])
        found.append(room.copy_(own))
    return found


def _laid_out(slot: Tensor) -> Tensor:
    """One slot's tensor [1, ...], aligned and contiguous as in a pack of its own: kernels may round by the layout."""
    return slot if slot.is_contiguous() and slot.data_ptr() % ALIGNED == 0 else slot.clone(memory_format=CONTIGUOUS)
