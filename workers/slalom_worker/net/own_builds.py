"""Checks that a task's own `model()` gives each trial a net of its own, drawn from the trial's seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from slalom.errors import InputError
from slalom_worker.net.marks import attributes_of
from slalom_worker.net.modules import build_module, rest_of, weights_of
from slalom_worker.net.probing import same
from slalom_worker.tasks import OwnModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from slalom.wire.trial import Work
    from slalom_worker.tasks.base import Task
    from slalom_worker.tasks.data import Data


def check_builds(work: Work, data: Data, task: Task) -> None:
    """Build a task's own net twice from one seed, and once from another.

    Raises InputError where nets share a parameter, where nets of one seed differ, and where an attribute other than
    parameters and buffers differs between seeds: a pack has one such attribute for all its trials.
    """
    if not isinstance(task, OwnModel):
        return
    one, again = (build_module(work, data, task, seed=0) for _ in range(2))
    _check_apart(one, again)
    _check_seed(one, again)
    del again
    other = build_module(work, data, task, seed=1)
    _check_shapes(one, other)
    _check_attributes(one, other)


def _check_apart(one: nn.Module, again: nn.Module) -> None:
    """Raise InputError where two nets have a trained parameter in common."""
    known = {id(parameter) for parameter in weights_of(one).values()}
    for name, parameter in weights_of(again).items():
        if id(parameter) in known:
            raise InputError(
                f"model: model() gave the same {name} twice, which trials would share; it must make a new net each time"
            )


def _check_seed(one: nn.Module, again: nn.Module) -> None:
    """Raise InputError where two nets of one seed differ."""
    for name, tensor, other in _pairs(one, again):
        if tensor is None or not same(tensor, other):
            raise InputError(
                f"model: model() made two nets from one seed whose {name} differs; what it draws must come of torch's "
                "generator, which starts from the trial's seed, and not of numpy's or Python's"
            )


def _check_shapes(one: nn.Module, other: nn.Module) -> None:
    """Raise InputError where parameters or buffers of nets of two seeds differ in shape."""
    for name, tensor, of_other in _pairs(one, other):
        if tensor is None or of_other is None or tensor.shape != of_other.shape:
            raise InputError(
                f"model: model() made nets from two seeds whose {name} has not the same shape; the seed draws numbers, "
                "and the shape must come of the study's options"
            )


def _pairs(one: nn.Module, other: nn.Module) -> Iterator[tuple[str, Tensor | None, Tensor | None]]:
    """The parameters and buffers of two nets by name; None where a net has no tensor of that name."""
    first, second = ({**weights_of(net), **rest_of(net)} for net in (one, other))
    for name in {**first, **second}:
        yield name, first.get(name), second.get(name)


def _check_attributes(one: nn.Module, other: nn.Module) -> None:
    """Raise InputError where nets of two seeds differ in an attribute that is neither parameter nor buffer."""
    others = dict(attributes_of(other))
    registered = {id(tensor) for tensor in (*one.parameters(), *one.buffers())}  # as an nn.LSTM lists its weights
    for name, value in attributes_of(one):
        if name in others and not _alike(value, others[name], registered):
            raise InputError(
                f"model: its attribute {name} differs from net to net, and all trials of a pack share one net's; keep "
                "it in a buffer (register_buffer), or not at all"
            )


def _alike(one: Any, other: Any, registered: set[int]) -> bool:
    """Whether two attributes hold the same numbers; texts and objects of unknown types count as alike.

    registered: the ids of the first net's parameters and buffers, which count as alike, too
    """
    if id(one) in registered:
        return True
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.dtype == other.dtype and same(one, other)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype.hasobject or (one.shape == other.shape and one.tobytes() == other.tobytes())
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key], registered) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(_alike(*pair, registered) for pair in zip(one, other, strict=True))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other or (one != one and other != other)
    return True
