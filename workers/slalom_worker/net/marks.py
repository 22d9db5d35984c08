"""What a net keeps beside parameters and buffers, and what was drawn so far: so that a change of them can be seen."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from slalom.errors import InputError
from slalom_worker.regularizers import SlotDropout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def drawn_so_far() -> tuple[object, ...]:
    """What changes when something is drawn of torch's, numpy's or Python's global generator."""
    numpy: Any = np.random.get_state()
    return bytes(torch.get_rng_state().numpy()), bytes(numpy[1]), *numpy[2:], random.getstate()


def marks_of(module: nn.Module) -> dict[str, object]:
    """What each part keeps beside parameters, buffers and parts, by name, so that a change of it can be seen."""
    return {name: _mark(value) for name, value in attributes_of(module)}


def attributes_of(module: nn.Module) -> Iterator[tuple[str, Any]]:
    """What each part keeps beside parameters, buffers and parts, with its name."""
    for name, part in module.named_modules():
        if isinstance(part, SlotDropout):
            continue
        for key, value in vars(part).items():
            if key not in NOT_KEPT and not key.endswith("_hooks") and not key.startswith("_forward_hooks"):
                yield f"{name}.{key}".lstrip("."), value


NOT_KEPT = ("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set", "training")
"""What torch keeps in a module itself and what is looked at otherwise."""


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
    """Refuse a net that changes its attributes; `caches`: it may fill in one that was not there, or None."""
    for name, mark in after.items():
        was = before.get(name)
        if mark != was and not (caches and was is None):
            raise InputError(
                f"model: changes its attribute {name} in forward, which all trials of a pack share; keep it in a "
                "buffer (register_buffer), or not at all"
            )
