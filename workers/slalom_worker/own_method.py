"""A method of the user's own, "file.py:Name": an instance of the same class as the package's methods of its sort."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar, cast

from slalom.errors import InputError, nearest, quoted
from slalom.wire.kinds import Choice, Integer, Number
from slalom_worker.own_file import load_module, telling

if TYPE_CHECKING:
    from pathlib import Path

M = TypeVar("M")

KINDS = ("hyperparameters", "parameters")
"""Names of a method's fields that list what a study may set."""

TAKEN = ("schedule", "scheme", "method", "name")
"""Keys by which a study names a method, so that no option may have these names."""


TYPES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "Callable": ("a function", callable),
    "Mapping": ("a mapping", lambda value: isinstance(value, Mapping)),
    "Kinds": ("a mapping", lambda value: isinstance(value, Mapping)),
    "bool": ("True or False", lambda value: isinstance(value, bool)),
    "float": ("a finite number", lambda value: isinstance(value, int | float) and isfinite(value)),
    "str": ("a text", lambda value: isinstance(value, str)),
    "tuple": (
        "a tuple of texts",
        lambda value: isinstance(value, tuple | list) and all(isinstance(v, str) for v in value),
    ),
}
"""What a field may hold, by the first word of its annotation: its name in messages, and a test of a value."""


class MethodTable(Mapping[str, M]):
    """The package's methods of one sort by name, and those of the user's own files, opened when first asked for.

    Iteration gives the package's methods and those of the user's that were opened.
    """

    def __init__(self, bundled: Mapping[str, M], sort: type[M], folder: Path | None) -> None:
        """folder: the folder that a relative "file.py:Name" starts from; None for a table without the user's own."""
        self._bundled = bundled
        self._sort = sort
        self._folder = folder
        self._own: dict[str, M] = {}

    def __getitem__(self, name: str) -> M:
        """The method of this name; KeyError for an unknown name, InputError for a user's own that cannot be used."""
        if self._folder is None or ":" not in name:
            return self._bundled[name]
        if name not in self._own:
            self._own[name] = open_method(name, self._sort, self._folder)
        return self._own[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._bundled
        yield from self._own

    def __len__(self) -> int:
        return len(self._bundled) + len(self._own)


def open_method(name: str, sort: type[M], folder: Path) -> M:
    """The method Name of file.py, for the name "file.py:Name"; a relative file starts from `folder`.

    sort: the class that it must be an instance of, such as Optimizer
    Errors of its functions become InputError, with file and line. Raises InputError where there is no such file or
    method, or where it is of another sort.
    """
    file, _, attribute = name.rpartition(":")
    path = folder / file
    module = load_module(path)
    found = getattr(module, attribute, None)
    if not isinstance(found, sort):
        known = [other for other, value in vars(module).items() if isinstance(value, sort)]
        what = sort.__name__
        raise InputError(
            f"{path}: {attribute!r} must be {'an' if what[0] in 'AEIOU' else 'a'} {what}, as the package's own files "
            f"make one, but got {quoted(found)}{nearest(attribute, known)}"
        )
    place = f"{path}:{attribute}"
    _check_fields(found, place)
    _check_kinds(found, place)
    return _told(found, path, place)


def _check_fields(method: Any, place: str) -> None:
    """Raise InputError where a value is of another type than its field's annotation."""
    for field in fields(method):
        value, said = getattr(method, field.name), str(field.type)
        if value is None and said.endswith("| None"):
            continue
        words = re.findall(r"'(\w+)'", said)
        what, is_one = (" or ".join(words), words.__contains__) if words else TYPES[re.split(r"\W", said)[0]]
        if not is_one(value):
            what = f"{what} or None" if said.endswith("| None") else what
            raise InputError(f"{place}: {field.name} must be {what}, but is {quoted(value)}")


def _check_kinds(method: Any, place: str) -> None:
    for name in KINDS:
        for option, kind in getattr(method, name, {}).items():
            if not str(option).isidentifier() or option in TAKEN:
                raise InputError(
                    f"{place}: names in {name} must be words that stand in a study file, and not "
                    f"{', '.join(TAKEN)}, but got {quoted(option)}"
                )
            if not isinstance(kind, Number | Integer | Choice):
                raise InputError(
                    f"{place}: {name} must be numbers, whole numbers or choices (slalom.wire.kinds), but {option} is "
                    f"{quoted(kind)}"
                )


def _told(method: M, file: Path, place: str) -> M:
    """The method with each of its functions wrapped, so that errors become InputError with file and line."""
    changed: dict[str, Any] = {}
    for field in fields(cast("Any", method)):
        value = getattr(method, field.name)
        if isinstance(value, Mapping):
            changed[field.name] = {name: _telling(one, file, f"{place}: {name}") for name, one in value.items()}
        else:
            changed[field.name] = _telling(value, file, f"{place}: {field.name}")
    found: M = replace(cast("Any", method), **changed)
    return found


def _telling(value: Any, file: Path, action: str) -> Callable[..., object] | Any:
    return telling(value, file, action) if callable(value) else value
