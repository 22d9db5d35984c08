"""A user's own task, "file.py:Class": one Python file, whose mistakes are told as the user's, with file and line."""

from __future__ import annotations

import hashlib
import sys
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.errors import InputError, SlalomError, nearest
from slalom_worker.tasks.data import Data, OwnModel, Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import CodeType, ModuleType


@dataclass(frozen=True)
class UserTask:
    """The user's task, its mistakes translated to InputError.

    file: where its class is written
    place: "file.py:Class", for messages
    """

    task: Task
    file: Path
    place: str

    def load(self) -> Data:
        """What the user's `load` gives, which must be a Data."""
        with _blamed(self.file, f"{self.place}: load()"):
            data = self.task.load()
        if not isinstance(data, Data):
            raise InputError(
                f"{self.place}: load() must return a slalom_worker.tasks.Data, but got {type(data).__name__}"
            )
        return data


@dataclass(frozen=True)
class UserTaskWithModel(UserTask):
    """A user's task that brings its own model."""

    own: OwnModel

    def model(self, **structure: Any) -> Any:
        """What the user's `model` gives for the study file's `model:` options: a torch module."""
        with _blamed(self.file, f"{self.place}: model()"):
            return self.own.model(**structure)


def open_user_task(name: str, options: Mapping[str, Any], folder: Path) -> UserTask:
    """The task of class Class in file.py, for the name "file.py:Class"; a relative file starts from `folder`.

    The file may import installed packages, not its neighbours: it travels to the nodes alone.
    """
    file, _, class_name = name.rpartition(":")
    path = folder / Path(file).expanduser()
    place = f"{path}:{class_name}"
    found = getattr(_module(path), class_name, None)
    if not isinstance(found, type):
        raise InputError(f"{path}: must hold a class {class_name!r}, but got {found!r}")
    given = ", ".join(f"{option}={value!r}" for option, value in options.items())
    with _blamed(path, f"{place}: {class_name}({given})"):
        task = found(**options)
    if not callable(getattr(task, "load", None)):
        methods = [method for method in dir(task) if not method.startswith("_")]
        raise InputError(f"{place}: must have a method 'load', but got none{nearest('load', methods)}")
    own = task if isinstance(task, OwnModel) else None
    return UserTask(task, path, place) if own is None else UserTaskWithModel(task, path, place, own)


class _FreshSource(SourceFileLoader):
    """Compiles the file as it is now: a bytecode cache can be stale within a second, and litters the folder."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 (the protocol's name)
        """The compiled file."""
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def _module(path: Path) -> ModuleType:
    if not path.is_file():
        raise InputError(f"{path}: must be the Python file of the task, but got no such file")
    # by path, so that two files of one name do not meet
    name = f"slalom_user_task_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    loader = _FreshSource(name, str(path))
    spec = ModuleSpec(name, loader, origin=str(path))
    spec.has_location = True
    module = module_from_spec(spec)
    # the module's own dataclasses look it up here
    sys.modules[name] = module
    with _blamed(path, f"{path}: importing it"):
        loader.exec_module(module)
    return module


@contextmanager
def _blamed(file: Path, action: str) -> Iterator[None]:
    """Errors of the user's code as InputError: what was done, what it raised, in which line of `file`."""
    try:
        yield
    except InputError as exc:
        raise InputError(f"{action}: {exc}") from exc
    except SlalomError:
        raise
    except (Exception, SystemExit) as exc:
        lines = [frame.lineno for frame in traceback.extract_tb(exc.__traceback__) if frame.filename == str(file)]
        where = f" (line {lines[-1]})" if lines else ""
        raise InputError(f"{action} must not raise, but got {type(exc).__name__}: {exc}{where}") from exc
