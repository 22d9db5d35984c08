"""How large a trial's net is, and all nets that an arm's search can reach."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from slalom.study.ranges import Choices, IntRange, Range
from slalom.wire.evaluation import seen_shape
from slalom.wire.trial import task_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from slalom.study.inspected import Inspected
    from slalom.wire.evaluation import Evaluation
    from slalom.wire.net_size import NetSize
    from slalom.wire.trial import Settings, Work


@dataclass(frozen=True)
class Nets:
    """Gives the sizes of a study's nets, where their models are the package's.

    models: as Catalogue.nets
    shape: of one whole input as a net takes it; outputs: how many numbers a net's answer has
    others: shape and outputs of tasks with other options than the study's, by `task_key`
    """

    models: Mapping[str, Callable[[tuple[int, ...], int, Mapping[str, Any]], NetSize]] = field(default_factory=dict)
    shape: tuple[int, ...] = ()
    outputs: int = 1
    others: Mapping[str, tuple[tuple[int, ...], int]] = field(default_factory=dict)

    def of_tasks(self, told: Mapping[str, Inspected]) -> Nets:
        """The same nets, where the data of further tasks are known too, by `task_key`."""
        return replace(self, others={key: (one.shape, one.outputs) for key, one in told.items()})

    def size(self, work: Work) -> NetSize | None:
        """The size of a trial's net; None for a model of the user's own.

        None too where tasks of the study have inputs of several shapes, and that of the trial's task is not known.
        """
        own = (self.shape, self.outputs)
        known = {own, *self.others.values()}
        shape, outputs = self.others.get(task_key(work.task), own if len(known) == 1 else (None, 1))
        return None if shape is None else replace(self, shape=shape, outputs=outputs)._size(work.model, work.evaluation)

    def _size(self, model: Settings, evaluation: Evaluation) -> NetSize | None:
        if model.get("name") not in self.models:
            return None
        return self.models[model["name"]](seen_shape(self.shape, evaluation), self.outputs, model)

    def sizes(self, settings: Settings) -> list[NetSize]:
        """The sizes of an arm's nets at all ends of what it searches; none for a model of the user's own.

        A net grows or shrinks with each number that is searched, so the largest net, and a net that does not fit its
        inputs, are among these. Raises InputError, with the reason, where a net does not fit.
        """
        model, evaluation = settings["model"], settings["evaluation"]
        known = model.get("name") in self.models
        found = (self._size(one, evaluation) for one in (_structures(model) if known else ()))
        return list(dict.fromkeys(size for size in found if size is not None))


def _structures(model: Settings) -> Iterator[dict[str, Any]]:
    each = [_ends(value) for value in model.values()]
    return (dict(zip(model, values, strict=True)) for values in product(*each))


def _ends(value: Any) -> tuple[Any, ...]:
    """The ends of a range, the least and greatest option of a choice of numbers, every option of one of words."""
    if isinstance(value, Range | IntRange):
        return (value.low, value.high)
    if not isinstance(value, Choices):
        return (value,)
    words = any(isinstance(option, str | bool) for option in value.options)
    return value.options if words else (min(value.options), max(value.options))
