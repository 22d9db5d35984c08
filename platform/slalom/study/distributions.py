"""Distributions of searched settings: {uniform: [low, high]}, {log: ...}, {int: ...} or {choice: [...]}."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from slalom.errors import InputError, nearest, quoted
from slalom.study.ranges import Choices, Distribution, IntRange, Range
from slalom.study.values import DISTRIBUTIONS, fixed
from slalom.wire.kinds import Choice, Free, Integer, Integers, Kind, Number, PerLayer

if TYPE_CHECKING:
    from slalom.study.document import Node

ENDS = ("low", "high")

DRAWN: Mapping[str, Kind] = {
    "uniform": Number(None),
    "log": Number(None),
    "int": Integer(None, -(2**53), 2**53),
    "choice": Free(lists=False),
}
"""The kind of value that each distribution draws, for a setting whose kind only the user's own code knows."""

D = TypeVar("D", Range, IntRange, Choices)


def setting(node: Node, kind: Kind, what: str) -> Any:
    """Read a setting: a value, a Distribution, or for a list with one for each layer a mapping by layer, "1" first."""
    if isinstance(kind, PerLayer):
        if isinstance(node.value, tuple):
            return {str(n): setting(item, kind.item, item.name) for n, item in enumerate(node.value, start=1)}
        kind = kind.item
    return distribution(node, kind, what) if isinstance(node.value, Mapping) else fixed(node, kind, what)


def distribution(node: Node, kind: Kind, what: str) -> Distribution:
    """Read a distribution; StudyError where `node` holds none, or one that draws values of another kind.

    A distribution for a list draws values of the kind of the list's items.
    """
    kind = kind.item if isinstance(kind, Integers | PerLayer) else kind
    fields = node.fields()
    if len(fields) != 1:
        listed = ", ".join(DISTRIBUTIONS)
        raise node.error(f"a distribution has exactly one key of {listed}; {what} got {node.shown}")
    ((word, inner),) = fields.items()
    if word not in DISTRIBUTIONS:
        raise inner.head_error(f"{what} has the unknown distribution {quoted(word)}{nearest(word, DISTRIBUTIONS)}")
    kind = DRAWN[word] if isinstance(kind, Free) else kind
    _check_fit(inner, word, kind, what)
    return _choices(inner, kind, what) if word == "choice" else _range(inner, word, kind, what)


def _check_fit(inner: Node, word: str, kind: Kind, what: str) -> None:
    fit = {"uniform": Number, "log": Number, "int": Number | Integer, "choice": Number | Integer | Choice | Free}
    if not isinstance(kind, fit[word]):
        raise inner.head_error(f"{what} must be {kind}, which {quoted(word)} cannot draw, got {inner.shown}")


def _choices(inner: Node, kind: Kind, what: str) -> Choices:
    options = tuple(fixed(item, kind, f"an option of {what}") for item in inner.items())
    return _built(inner, what, lambda: Choices(options))


def _range(inner: Node, word: str, kind: Kind, what: str) -> Range | IntRange:
    items = inner.items()
    if len(items) != 2:
        raise inner.error(f"{word} of {what} must be [low, high], got {inner.shown}")
    low, high = (fixed(item, kind, f"the {end} end of {what}") for item, end in zip(items, ENDS, strict=True))
    if word != "int":
        return _built(inner, what, lambda: Range(low, high, word == "log"))
    for item, end in zip(items, (low, high), strict=True):
        if end != int(end):
            raise item.error(f"int of {what} must run between whole numbers, got {item.shown}")
    return _built(inner, what, lambda: IntRange(int(low), int(high)))


def _built(inner: Node, what: str, build: Callable[[], D]) -> D:
    """Build the distribution; its InputError, such as for low > high, is raised as StudyError with the place."""
    try:
        return build()
    except InputError as exc:
        raise inner.error(f"{what}: {exc}") from exc
