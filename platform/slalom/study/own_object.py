"""A class or a function of the user's own that a study written in Python names by itself, not by "file.py:Name"."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

from slalom.errors import InputError, StudyError

if TYPE_CHECKING:
    from types import ModuleType


def named_by_text(document: Mapping[str, Any], folder: Path) -> tuple[dict[str, Any], Path]:
    """The document with "file.py:Name" where its task is a class or a function, and the study's folder.

    folder: the study's, where its task is named by text. For a class or function the study's folder is where the
        imports of its file start, so that lanes find there what the file imports.
    Raises StudyError where lanes could not find the class in a file.
    """
    task = document.get("task")
    inner = task.get("name") if isinstance(task, Mapping) else task
    if not isinstance(inner, type | FunctionType):
        return {**document}, folder
    try:
        name, folder = _place(inner)
    except InputError as exc:
        raise StudyError(str(exc), "task") from exc
    return {**document, "task": {**task, "name": name} if isinstance(task, Mapping) else name}, folder


def _place(value: type | FunctionType) -> tuple[str, Path]:
    """The object's name, as "file.py:Name", and the folder to which the file's path is relative."""
    name = value.__qualname__
    if not name.isidentifier():
        raise InputError(f"{name} must stand at the top of its file, where lanes find it, but is made within another")
    module = sys.modules.get(value.__module__)
    file = getattr(module, "__file__", None)
    if module is None or file is None or Path(file).suffix != ".py":
        raise InputError(
            f"{name} must be written in a Python file, which lanes read in processes of their own, but is in "
            f"{value.__module__}, which has none; in a notebook begin its cell, with all that it imports, with "
            f"`%%writefile mine.py`, and then `from mine import {name}`"
        )
    path = Path(file).resolve()
    folder = _start(module, path)
    return f"{path.relative_to(folder).as_posix()}:{name}", folder


def _start(module: ModuleType, file: Path) -> Path:
    """The folder from which a module is imported by its dotted name: its file's own, unless it is in a package."""
    spec = getattr(module, "__spec__", None)  # a script that was run has none, and its name is "__main__"
    parts = tuple(str(spec.name if spec else module.__name__).split("."))
    place = file.parent if file.stem == "__init__" else file.with_suffix("")
    return place.parents[len(parts) - 1] if place.parts[-len(parts) :] == parts else file.parent
