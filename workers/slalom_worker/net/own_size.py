"""Finds how large a task's own net is, before memory is spent on it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.modules import module as hooks
from torch.nn.parameter import is_lazy

from slalom.errors import InputError
from slalom.wire.kinds import MOST_WEIGHTS
from slalom.wire.trial import Work
from slalom_worker.net.examples import in_precision
from slalom_worker.net.modules import build_module, layers_of, seeded
from slalom_worker.own_file import apart, beside
from slalom_worker.tasks import OwnModel, UserTask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from slalom.wire.trial import Settings
    from slalom_worker.tasks.base import Task
    from slalom_worker.tasks.data import Data

MOST_TENSORS = 10_000
"""Most parameters and buffers of a net: one with more takes longer to build than to train."""


class _Count:
    """Counts the numbers in the parameters and buffers that modules register, and stops an endless construction.

    refused: the rule that is broken, or ""
    at_once: whether to stop at the first number too many, where tensors take memory
    """

    def __init__(self, *, at_once: bool) -> None:
        self.numbers = 0
        self.refused = ""
        self._at_once = at_once
        self._seen: dict[int, Tensor] = {}

    def add(self, _module: nn.Module, _name: str, tensor: Tensor | None) -> None:
        """Count a tensor, unless it was counted; InputError where there are too many."""
        if tensor is None or is_lazy(tensor) or id(tensor) in self._seen:
            return
        self._seen[id(tensor)] = tensor  # kept alive, so that no other tensor gets its id
        self.numbers += tensor.numel()
        if len(self._seen) > MOST_TENSORS:
            self.refused = f"{MOST_TENSORS:,} tensors of parameters, but has more"
        elif self._at_once and self.numbers > MOST_WEIGHTS:
            self.refused = _rule("more")
        if self.refused:
            raise InputError(f"model: must have at most {self.refused}")

    def settle(self, module: nn.Module) -> None:
        """Count the numbers of a module that is built, and set `refused` where there are too many."""
        self.numbers = sum(part.numel() for part in (*module.parameters(), *module.buffers()) if not is_lazy(part))
        if self.numbers > MOST_WEIGHTS:
            self.refused = _rule(f"{self.numbers:,}")


def check_size(work: Work, data: Data, task: Task) -> None:
    """Raise InputError where a task's own net is larger than a lane can hold.

    The net is built first on torch's meta device, where tensors have shapes but no numbers, from the user's file
    imported once more, since tensors that the file keeps from its first call must have numbers. A net that cannot be
    built on the meta device is counted while it is built on the CPU.
    """
    if not isinstance(task, OwnModel):
        return
    count = _Count(at_once=False)
    try:
        with apart(), torch.device("meta"):
            anew = task.anew() if isinstance(task, UserTask) else task
            _build(work, data, anew, count)
    except Exception:  # noqa: BLE001 (a user's model may do anything that numbers are needed for)
        if not count.refused:
            count = _Count(at_once=True)
            _build(work, data, task, count)
    if count.refused:
        raise InputError(f"model: must have at most {count.refused}")


def own_layers(settings: Settings, data: Data, task: Task, model: Settings) -> int:
    """The number of layers with weights in a task's own model; InputError where the model cannot be built.

    settings, model: the study's `task` and `model`
    """
    work = Work(settings, model, None)
    check_size(work, data, task)
    return int(layers_of(build_module(work, data, task, seed=0)).max()) + 1


def _build(work: Work, data: Data, task: Any, count: _Count) -> None:
    """Build the net and count it; lazy layers get their shapes from two examples."""
    options = {name: value for name, value in work.model.items() if name != "name"}
    with _counting(count), seeded(0):
        module: Any = task.model(**options)
        if isinstance(module, nn.Module) and any(map(is_lazy, module.parameters())):
            inputs = in_precision(torch.as_tensor(data.train.inputs[:2]), torch.float32)
            with torch.no_grad(), beside(getattr(task, "file", None)):
                module.eval()(torch.empty_like(inputs, device=torch.get_default_device()))
    if isinstance(module, nn.Module):
        count.settle(module)


@contextmanager
def _counting(count: _Count) -> Iterator[None]:
    made = (
        hooks.register_module_parameter_registration_hook(count.add),
        hooks.register_module_buffer_registration_hook(count.add),
    )
    try:
        yield
    finally:
        for one in made:
            one.remove()


def _rule(has: str) -> str:
    return f"{MOST_WEIGHTS:,} parameters, which a lane can hold, but has {has}"
