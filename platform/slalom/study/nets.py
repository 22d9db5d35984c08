"""How large the nets are that an arm can come to."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from slalom.study.ranges import Choices, IntRange, Range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slalom.wire.kinds import Catalogue
    from slalom.wire.net_size import NetSize
    from slalom.wire.trial import Settings


def sizes(model: Settings, shape: tuple[int, ...], outputs: int, catalogue: Catalogue) -> list[NetSize]:
    """The sizes of the nets at all ends of what is searched; none of a model that nobody knows.

    A net grows or shrinks with each number that is searched, so the largest net, and one that does not fit its inputs,
    are among these. Raises InputError, with the reason, where one does not fit.
    """
    if model["name"] not in catalogue.nets:
        return []
    return list(dict.fromkeys(catalogue.nets[model["name"]](shape, outputs, one) for one in _structures(model)))


def _structures(model: Settings) -> Iterator[dict[str, Any]]:
    each = [_ends(value) for value in model.values()]
    return (dict(zip(model, values, strict=True)) for values in product(*each))


def _ends(value: Any) -> tuple[Any, ...]:
    """The ends of a range, the least and the greatest of a choice of numbers, every word of one of words."""
    if isinstance(value, Range | IntRange):
        return (value.low, value.high)
    if not isinstance(value, Choices):
        return (value,)
    words = any(isinstance(option, str | bool) for option in value.options)
    return value.options if words else (min(value.options), max(value.options))
