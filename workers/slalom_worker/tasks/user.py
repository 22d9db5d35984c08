"""Opens a user's own task, "file.py:Class", or training function, "file.py:function", and tells errors of its code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.errors import InputError, nearest, quoted
from slalom.wire.signature import OwnCode
from slalom_worker.own_file import load_module, user_errors
from slalom_worker.tasks.base import OwnModel, Task
from slalom_worker.tasks.data import Data
from slalom_worker.tasks.parts import takes_split
from slalom_worker.tasks.signature import signature_of, takes_position

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from slalom.wire.signature import Signature
    from slalom_worker.tasks.parts import Splits


@dataclass(frozen=True)
class UserTask:
    """The user's task; an error of its code becomes InputError, with file and line.

    file: the file with the task's class
    place: "file.py:Class", for messages
    anew: opens the task once more, from its file imported anew
    """

    task: Task
    file: Path
    place: str
    anew: Callable[[], UserTask]

    @property
    def splits(self) -> Splits:
        """See splits_of: "loaded" where the user's `load` takes a parameter `split`, else "drawn"."""
        return "loaded" if takes_split(self.task.load) else "drawn"

    def load(self, split: int = 0) -> Data:
        """The data that the user's `load` returns; InputError where it raises or returns no Data.

        split: passed on where the user's `load` has a parameter of that name
        """
        given = {"split": split} if self.splits == "loaded" else {}
        call = f"{self.place}: load({', '.join(f'{name}={value}' for name, value in given.items())})"
        with user_errors(self.file, call):
            data = self.task.load(**given)
        if not isinstance(data, Data):
            raise InputError(f"{call} must return a slalom_worker.tasks.Data, but got {type(data).__name__}")
        return data


@dataclass(frozen=True)
class UserTaskWithModel(UserTask):
    """A user's task that brings its own model."""

    own: OwnModel

    def model(self, **structure: Any) -> Any:
        """What the user's `model` returns for the study file's `model:` options; InputError where it raises."""
        with user_errors(self.file, f"{self.place}: model()"):
            return self.own.model(**structure)


@dataclass(frozen=True)
class Named:
    """What a user's "file.py:name" names: a task's class, or a training function.

    file: the file in which it is defined
    place: "file.py:name", for messages
    """

    value: Any
    file: Path
    place: str

    @property
    def is_function(self) -> bool:
        """Whether the value is a training function, not a task's class."""
        return not isinstance(self.value, type)


def find(name: str, folder: Path) -> Named:
    """The class or function that "file.py:name" names; a relative file starts from `folder`.

    The file may import installed packages and modules beside it, which are sent to the nodes with it. Raises InputError
    where there is no such file, or no class or function of that name in it.
    """
    file, _, inner = name.rpartition(":")
    path = folder / Path(file).expanduser()
    module = load_module(path)
    found = getattr(module, inner, None)
    if not callable(found):
        own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        raise InputError(
            f"{path}: must hold a class or a function {inner!r}, but got {quoted(found)}{nearest(inner, own)}"
        )
    return Named(found, path, f"{path}:{inner}")


def own_code(name: str, folder: Path) -> OwnCode:
    """What a study can set of the user's "file.py:name"; InputError as by `find`, or if a function takes no trial."""
    named = find(name, folder)
    if named.is_function:
        return OwnCode(training=_of_function(named))
    model = getattr(named.value, "model", None)
    return OwnCode(task=signature_of(named.value), model=None if model is None else signature_of(model, first="self"))


def _of_function(named: Named) -> Signature:
    if not takes_position(named.value):
        raise InputError(f"{named.place}: must take the trial as its first parameter, but takes none")
    return signature_of(named.value, first=None)


def open_user_task(name: str, options: Mapping[str, Any], folder: Path) -> UserTask:
    """The task of class Class in file.py, for the name "file.py:Class"; a relative file starts from `folder`.

    Raises InputError where there is no such file or class, or where the class refuses the options or has no `load`.
    """
    named = find(name, folder)
    if named.is_function:
        raise InputError(f"{named.place}: must be a task's class, but is a training function")
    path, place, class_name = named.file, named.place, name.rpartition(":")[2]
    given = ", ".join(f"{option}={value!r}" for option, value in options.items())
    with user_errors(path, f"{place}: {class_name}({given})"):
        task = named.value(**options)
    if not callable(getattr(task, "load", None)):
        methods = [method for method in dir(task) if not method.startswith("_")]
        raise InputError(f"{place}: must have a method 'load', but got none{nearest('load', methods)}")
    own = task if isinstance(task, OwnModel) else None
    anew = partial(open_user_task, name, options, folder)
    return UserTask(task, path, place, anew) if own is None else UserTaskWithModel(task, path, place, anew, own)
