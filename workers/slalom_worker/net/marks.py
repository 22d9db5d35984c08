"""Marks by which a change of a net's plain attributes, or a draw from a global generator, can be detected."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from slalom.errors import InputError
from slalom_worker.net.modules import seeded
from slalom_worker.regularizers import SlotDropout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


UNUSUAL_SEED = 0x5EED51A1
"""A seed that nobody chooses."""


@contextmanager
def draws_noticed() -> Iterator[Callable[[], bool]]:
    """Gives a function that says whether torch's generator of the CPU, numpy's or Python's was drawn from, or seeded.

    The generators are in a state of their own meanwhile: seeded to what they were, they would tell nothing. They are as
    before at the end.
    """
    numpy, python = np.random.get_state(), random.getstate()
    with seeded(UNUSUAL_SEED):
        np.random.seed(UNUSUAL_SEED)
        random.seed(UNUSUAL_SEED)
        before = drawn_so_far()
        try:
            yield lambda: drawn_so_far() != before
        finally:
            np.random.set_state(numpy)
            random.setstate(python)


def drawn_so_far() -> tuple[object, ...]:
    """The states of torch's, numpy's and Python's global generators, which change with each draw."""
    numpy: Any = np.random.get_state()
    return bytes(torch.get_rng_state().numpy()), bytes(numpy[1]), *numpy[2:], random.getstate()


def marks_of(module: nn.Module) -> dict[str, object]:
    """A mark for each attribute (see `attributes_of`), by name, that differs when the attribute has changed."""
    return {name: _mark(value) for name, value in attributes_of(module)}


def attributes_of(module: nn.Module) -> Iterator[tuple[str, Any]]:
    """The attributes of each submodule except parameters, buffers and submodules, each with its name."""
    for name, part in module.named_modules():
        if isinstance(part, SlotDropout):
            continue
        for key, value in vars(part).items():
            if key not in NOT_KEPT and not key.endswith("_hooks") and not key.startswith("_forward_hooks"):
                yield f"{name}.{key}".lstrip("."), value


NOT_KEPT = ("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set", "training")
"""Attributes that are torch's own, or are checked elsewhere."""


def _mark(value: Any) -> object:
    if isinstance(value, Tensor):
        return ("tensor", id(value), value._version)
    if isinstance(value, dict):
        return ("dict", *((_mark(key), _mark(part)) for key, part in value.items()))
    if isinstance(value, list | tuple | set | frozenset):
        return (type(value).__name__, *map(_mark, value))
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, torch.Generator):
        return ("generator", bytes(value.get_state().numpy()))
    if isinstance(value, np.random.Generator):
        return ("generator", str(value.bit_generator.state))
    if isinstance(value, random.Random):
        return ("generator", value.getstate())
    return ("object", id(value))


def check_itself(before: Mapping[str, object], after: Mapping[str, object], *, caches: bool) -> None:
    """Raise InputError where an attribute's mark has changed; `caches`: one that was missing or None may be set."""
    for name, mark in after.items():
        was = before.get(name)
        if mark != was and not (caches and was is None):
            raise InputError(
                f"model: changes its attribute {name} in forward, which all trials of a pack share; keep it in a "
                "buffer (register_buffer), or not at all"
            )
