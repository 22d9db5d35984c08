"""The protocol of tasks: a task loads data, and may bring its own model."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from slalom.errors import InputError, nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from slalom.wire.kinds import Kinds
    from slalom_worker.tasks.data import Data


class Task(Protocol):
    """Loads data, the same at every call and on every machine.

    A user's `load` may take a parameter `split`, the number of one of the task's own splits, from 0 on: then every
    search trains on a split that is loaded by its number. Otherwise splits are drawn from the data.

    The options of the study file's `task:` are keyword arguments of the class. The class and `load` may raise
    InputError for options that they refuse, and `load` raises Infrastructure where the data cannot be got.
    """

    def load(self) -> Data:
        """The data: three splits, and what is known about them."""
        ...


@runtime_checkable
class OwnModel(Protocol):
    """A task that brings its own model.

    The options of the study file's `model:` are keyword arguments of `model`.
    """

    def model(self, **structure: Any) -> Any:
        """A fresh torch module, from inputs [B, *shape] to logits or, in a regression, predicted targets [B, outputs].

        Its weights are drawn from torch's global generator, which is seeded before the call.
        """
        ...


@dataclass(frozen=True)
class TaskKind:
    """A bundled task.

    make: the class, which takes options as keywords
    options: the kind of each option, with its default, which must be the class's own
    folders: the options that name folders; relative ones start from the study file's folder
    """

    make: Callable[..., Task]
    options: Kinds = field(default_factory=dict)
    folders: tuple[str, ...] = ()

    def open(self, options: Mapping[str, Any], folder: Path) -> Task:
        """The task with these options; InputError for an unknown option or a wrong value.

        A value of None leaves an option whose default is None unset. Relative `folders` start from `folder`.
        """
        chosen = {}
        for name, value in options.items():
            if name not in self.options:
                raise InputError(f"{quoted(name)} is no option of this task{nearest(name, self.options)}")
            kind = self.options[name]
            if value is None and kind.default is None:
                continue
            if value not in kind:
                raise InputError(f"{name} must be {kind}, but got {quoted(value)}")
            chosen[name] = str(folder / Path(value).expanduser()) if name in self.folders else value
        return self.make(**chosen)
