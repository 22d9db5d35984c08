"""A study as it was written: a tree of values, each with its place, which error messages name.

A place is file:line:column in a study file, and a dotted path ("arms.rising.momentum") in a study written in Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from slalom.errors import StudyError, quoted, shortened

if TYPE_CHECKING:
    from slalom.errors import Place
    from slalom.wire.trial import Scalar

ROOT = "the study"
DEEPEST = 32
"""The most levels of nesting: no study needs more, and a Python list that contains itself has no end."""

LONGEST = 1024
"""The most bits of a whole number: every float64 is smaller, and a message can still print the number."""

MOST_CHARACTERS = 100_000
"""The most characters of a whole study; the largest that comes with Slalom has 3,000."""

LONGEST_TEXT, LONGEST_KEY = 10_000, 200
"""The most characters of a text, and of a key."""

MOST_ITEMS = 1_000
"""The most items of a list or a mapping."""


@dataclass(frozen=True)
class Node:
    """A value of the document.

    name: what messages call the value: the last key that leads to it, or "hidden[1]" in a list
    place: where the value stands; head: where its key stands
    """

    name: str
    value: Scalar | tuple[Node, ...] | Mapping[str, Node] | None
    place: Place | str
    head: Place | str

    def error(self, message: str) -> StudyError:
        """The StudyError of a wrong value, with the value's place."""
        return StudyError(message, self.place)

    def head_error(self, message: str) -> StudyError:
        """The StudyError of a wrong key, or of something that is missing below it, with the key's place."""
        return StudyError(message, self.head)

    def fields(self, what: str = "") -> Mapping[str, Node]:
        """The value as a mapping, else StudyError; `what` is the mapping's name in messages, by default `name`."""
        if not isinstance(self.value, Mapping):
            hint = "; write {} for an empty one" if self.value is None else ""
            raise self.error(f"{what or self.name} must be a mapping, got {self.shown}{hint}")
        return self.value

    def items(self) -> tuple[Node, ...]:
        """The value as a list; StudyError where it is none."""
        if not isinstance(self.value, tuple):
            raise self.error(f"{self.name} must be a list, got {self.shown}")
        return self.value

    def text(self) -> str:
        """The value as a text; StudyError where it is none, or blank."""
        if not isinstance(self.value, str) or not self.value.strip():
            hint = "" if isinstance(self.value, str | tuple | Mapping | None) else "; put it in quotes"
            raise self.error(f"{self.name} must be a text, got {self.shown}{hint}")
        return self.value

    def plain(self) -> Any:
        """The value without places; lists become tuples."""
        if isinstance(self.value, Mapping):
            return {key: node.plain() for key, node in self.value.items()}
        return tuple(node.plain() for node in self.value) if isinstance(self.value, tuple) else self.value

    @property
    def shown(self) -> str:
        """The value as a message quotes it."""
        return shortened(_written(self.plain()))


def check_size(text: str, place: Place | str) -> None:
    """Raise StudyError where a study's whole text is too long; for use before the text is parsed."""
    if len(text) > MOST_CHARACTERS:
        raise StudyError(f"a study has at most {MOST_CHARACTERS} characters, got {len(text)}", place)


def check_text(text: str, place: Place | str) -> str:
    """Return the text of a value; StudyError where it is too long."""
    if len(text) > LONGEST_TEXT:
        raise StudyError(f"a text has at most {LONGEST_TEXT} characters, got {len(text)}: {quoted(text)}", place)
    return text


def check_key(key: str, place: Place | str) -> None:
    """Raise StudyError where a key is too long."""
    if len(key) > LONGEST_KEY:
        raise StudyError(f"a key has at most {LONGEST_KEY} characters, got {len(key)}: {quoted(key)}", place)


def check_items(count: int, name: str, place: Place | str) -> None:
    """Raise StudyError where a list or mapping has too many items; `count` is the number seen so far."""
    if count > MOST_ITEMS:
        raise StudyError(f"{name} must have at most {MOST_ITEMS} items, got more", place)


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_written(item)}' for key, item in value.items())}}}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return "nothing" if value is None else repr(value)


def from_python(value: object, name: str = ROOT, path: str = "") -> Node:
    """The tree of a study written in Python: mappings with text keys, lists, numbers, texts, booleans and None."""
    place = path or "study"
    if path.count(".") + path.count("[") > DEEPEST:
        raise StudyError(f"values must not be nested deeper than {DEEPEST} levels", place)
    if isinstance(value, Mapping | list | tuple):
        check_items(len(value), name, place)
    if isinstance(value, Mapping):
        return Node(name, _python_fields(value, path), place, place)
    if isinstance(value, list | tuple):
        items = tuple(from_python(item, f"{name}[{i}]", f"{path}[{i}]") for i, item in enumerate(value))
        return Node(name, items, place, place)
    return Node(name, _python_scalar(value, name, place), place, place)


def _python_fields(value: Mapping[Any, object], path: str) -> Mapping[str, Node]:
    for key in value:
        if not isinstance(key, str):
            raise StudyError(f"a key must be a text, got {quoted(key)}", path or "study")
        check_key(key, path or "study")
    return {key: from_python(item, key, f"{path}.{key}" if path else key) for key, item in value.items()}


def _python_scalar(value: object, name: str, place: str) -> Scalar | None:
    # numpy's numbers and pathlib's paths are what a Python program has at hand
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        if int(value).bit_length() > LONGEST:
            raise StudyError(f"{name} must fit into {LONGEST} bits, got {int(value).bit_length()}", place)
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, str | PathLike):
        return check_text(str(fspath(value)), place)
    raise StudyError(f"{name} must be a number, a text, true, false, a list or a mapping, got {quoted(value)}", place)
