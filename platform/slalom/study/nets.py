"""How large the nets of a study's trials are, and of those that an arm can come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

from slalom.study.ranges import Choices, IntRange, Range
from slalom.wire.evaluation import seen_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from slalom.wire.evaluation import Evaluation
    from slalom.wire.net_size import NetSize
    from slalom.wire.trial import Settings


@dataclass(frozen=True)
class Nets:
    """The nets of a study, of the models that the package has.

    models: Catalogue.nets
    shape: of one input as a net takes it, if it sees the whole; outputs: how many numbers a net's answer has
    """

    models: Mapping[str, Callable[[tuple[int, ...], int, Mapping[str, Any]], NetSize]] = field(default_factory=dict)
    shape: tuple[int, ...] = ()
    outputs: int = 1

    def size(self, model: Settings, evaluation: Evaluation) -> NetSize | None:
        """How large a trial's net is; None of a model of the user's own."""
        if model.get("name") not in self.models:
            return None
        return self.models[model["name"]](seen_shape(self.shape, evaluation), self.outputs, model)

    def sizes(self, settings: Settings) -> list[NetSize]:
        """The sizes of an arm's nets at all ends of what it searches; none of a model of the user's own.

        A net grows or shrinks with each number that is searched, so the largest net, and one that does not fit its
        inputs, are among these. Raises InputError, with the reason, where one does not fit.
        """
        model, evaluation = settings["model"], settings["evaluation"]
        known = model.get("name") in self.models
        found = (self.size(one, evaluation) for one in (_structures(model) if known else ()))
        return list(dict.fromkeys(size for size in found if size is not None))


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
