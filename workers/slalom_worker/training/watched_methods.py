"""Watches the user's own methods while they are rehearsed: methods that see many slots must not branch on numbers."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from slalom.errors import InputError
from slalom_worker.own_file import FreshSource
from slalom_worker.program.looking import looking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType

    from slalom_worker.augmentation import Augmentation
    from slalom_worker.methods import Methods
    from slalom_worker.optimizers import Optimizer
    from slalom_worker.schedules import Schedule


def watched(methods: Methods) -> Methods:
    """The methods; the user's own optimizers, schedules and augmentations raise InputError where they read numbers.

    These are called with all slots of a pack at once, so that a branch on a number would be taken for all of them.
    """
    schedules = (_each(table, _schedule) for table in (methods.learning_rate_schedule, methods.momentum))
    rates, momenta = schedules
    return replace(
        methods,
        optimizer=_each(methods.optimizer, _optimizer),
        learning_rate_schedule=rates,
        momentum=momenta,
        augmentation=_each(methods.augmentation, _augmentation),
    )


def _each(table: Mapping[str, Any], watch: Callable[[str, Any], Any]) -> dict[str, Any]:
    """The table's methods, with the user's own, which have a file in their names, wrapped by `watch`."""
    return {name: watch(name, method) if ":" in name else method for name, method in table.items()}


def _optimizer(name: str, method: Optimizer) -> Optimizer:
    columns = {column: partial(_call, one, f"{name}: {column}") for column, one in method.columns.items()}
    return replace(method, update=partial(_call, method.update, f"{name}: update"), columns=columns)


def _schedule(name: str, method: Schedule) -> Schedule:
    return replace(method, value=partial(_call, method.value, f"{name}: value"))


def _augmentation(name: str, method: Augmentation) -> Augmentation:
    return method if method.change is None else replace(method, change=partial(_call, method.change, f"{name}: change"))


def _call(function: Callable[..., Any], place: str, *given: Any) -> Any:
    lines: list[str] = []
    with looking(lambda _: lines.append(_line())):
        result = function(*given)
    if lines:
        raise InputError(
            f"{place} looks at its numbers ({lines[0]}), as `if`, float(), numpy and print do; it is given all slots "
            "of a pack at once, and what it decides must be each slot's own: use torch.where"
        )
    return result


def _line() -> str:
    """The line that the user's code is at: "mine.py, line 4"."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if isinstance(frame.f_globals.get("__loader__"), FreshSource):
            return f"{frame.f_code.co_filename.rpartition('/')[2]}, line {frame.f_lineno}"
        frame = frame.f_back
    return "within torch"
