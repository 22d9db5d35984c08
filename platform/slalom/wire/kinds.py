"""The kinds of value a setting can take, with their ranges: what the study file is checked against.

Every method (an optimizer, a schedule, a scheme) declares its hyperparameters as a mapping of these,
next to its code; this module knows none of the methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isinf
from sys import float_info
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from slalom.wire.net_size import NetSize


@dataclass(frozen=True)
class Number:
    """A finite real number in [low, high], each end left out where `open_low` or `open_high` says so."""

    default: float | None
    low: float = float("-inf")
    high: float = float("inf")
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: object) -> bool:
        # the comparison with the largest float refuses infinity, NaN, and integers too long to convert
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= float_info.max:
            return False
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below

    def __str__(self) -> str:
        if isinf(self.low) and isinf(self.high):
            return "a number"
        if isinf(self.high):
            return f"a number above {self.low:g}" if self.open_low else f"a number, at least {self.low:g}"
        return f"a number in {'(' if self.open_low else '['}{self.low:g}, {self.high:g}{')' if self.open_high else ']'}"


MOST_EPOCHS, MOST_EXAMPLES = 1_000_000, 10_000_000
"""The highest numbers of epochs and of examples: no machine gets through more."""

MOST_WEIGHTS = 100_000_000
"""The most weights of one net: with its gradient and an optimizer's buffers it then takes 1.6 GB."""

MOST_SEEDS = 2**63 - 1
"""The highest seed."""


@dataclass(frozen=True)
class Integer:
    """A whole number in [low, high]; `high` is the most that a machine, or a study's plan, can hold."""

    default: int | None
    low: int
    high: int

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"a whole number in [{self.low}, {self.high}]"


@dataclass(frozen=True)
class Choice:
    """One of some words (or of true and false)."""

    default: Any
    options: tuple[Any, ...]

    def __contains__(self, value: object) -> bool:
        return any(value == option and type(value) is type(option) for option in self.options)

    def __str__(self) -> str:
        if set(self.options) == {True, False}:
            return "true or false"
        return f"one of {', '.join(map(str, self.options))}" if len(self.options) > 1 else str(self.options[0])


@dataclass(frozen=True)
class Integers:
    """At most `most` whole numbers in [low, high]; a number alone, which may be searched, is a list of one."""

    default: tuple[int, ...] | None
    low: int
    high: int
    most: int = 100

    @property
    def item(self) -> Integer:
        """The kind of one number of the list."""
        return Integer(None, self.low, self.high)

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, list | tuple) or len(value) > self.most:
            return False
        return all(item in self.item for item in value)

    def __str__(self) -> str:
        return f"a list of whole numbers in [{self.low}, {self.high}], at most {self.most} of them"


@dataclass(frozen=True)
class PerLayer:
    """A number for all layers, or a list with one for each, from the inputs to the outputs.

    A list is read as {"1": ..., "2": ...}, so that each can be searched under a name of its own.
    """

    item: Number

    @property
    def default(self) -> float | None:
        """The number for all layers."""
        return self.item.default

    def __contains__(self, value: object) -> bool:
        return value in self.item or (isinstance(value, list | tuple) and all(part in self.item for part in value))

    def __str__(self) -> str:
        return f"{self.item}, or a list with one for each layer"


@dataclass(frozen=True)
class Words:
    """A list of some of the options, each at most once."""

    default: tuple[str, ...]
    options: tuple[str, ...]

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            return False
        return len(set(value)) == len(value) and set(value) <= set(self.options)

    def __str__(self) -> str:
        return f"a list of {', '.join(self.options)}, each at most once"


@dataclass(frozen=True)
class Text:
    """Any text, such as a folder."""

    default: str | None = None

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str)

    def __str__(self) -> str:
        return "a text"


@dataclass(frozen=True)
class Free:
    """A value that only the user's own code can judge: a finite number, a text, true or false, or a list of these.

    required: the user's code has no default, so the value must be set
    lists: a list may stand in place of one value
    """

    default: Any = None
    required: bool = False
    lists: bool = True

    def __contains__(self, value: object) -> bool:
        if isinstance(value, list | tuple):
            return self.lists and all(item in self for item in value)
        return isinstance(value, str | bool) or value in ANY_NUMBER

    def __str__(self) -> str:
        return f"a finite number, a text, true, false{', or a list of these' if self.lists else ''}"


ANY_NUMBER = Number(None)

Kind = Number | Integer | Choice | Integers | PerLayer | Words | Text | Free


def positive(default: float | None = None) -> Number:
    """A number above zero."""
    return Number(default, low=0.0, open_low=True)


def fraction(default: float | None = None) -> Number:
    """A number in [0, 1), such as a momentum or a dropout rate."""
    return Number(default, low=0.0, high=1.0, open_high=True)


def flag(default: bool) -> Choice:
    """True or false."""
    return Choice(default, (True, False))


Kinds = Mapping[str, Kind]

SEQUENCE = "sequence"
"""The name that stands for a list of methods, used one after the other."""

SHARE = Number(None, 0.0, 1.0, open_low=True, open_high=True)
"""The share of the training in which a method of a sequence runs, before the next begins."""


def parts_of(chosen: Mapping[str, Any], key: str) -> tuple[dict[str, Any], ...]:
    """The methods that a setting names, each as {key: name, **options}: one, or those of a sequence in their order.

    chosen: {key: name, **options}, or {key: SEQUENCE, "1.key": name, "1.option": value, "2.key": name, ...}
    """
    if chosen[key] != SEQUENCE:
        return (dict(chosen),)
    count = sum(name.endswith(f".{key}") for name in chosen)
    return tuple(
        {name.partition(".")[2]: value for name, value in chosen.items() if name.partition(".")[0] == str(number)}
        for number in range(1, count + 1)
    )


@dataclass(frozen=True)
class Preparing:
    """What a preprocessing of inputs preserves of pictures; see slalom_worker.preprocessing.Preprocessing."""

    keeps_places: bool
    keeps_units: bool


@dataclass(frozen=True)
class Judging:
    """How a metric judges.

    goal: "minimize" or "maximize"
    of: what is predicted, "classes" or "numbers", or None for both
    worst: the worst value that there can be, or None
    options: what a study sets of the metric; a metric with options can only be the one that decides
    """

    goal: Literal["minimize", "maximize"]
    of: str | None = None
    worst: float | None = None
    options: Mapping[str, Number] = field(default_factory=dict)


@dataclass(frozen=True)
class Catalogue:
    """Every method that a study can name, each with its options.

    nets: by model, a function that gives the net's size from the shape of an input, the number of outputs and the
        model's structure without distributions; it raises InputError, with the reason, where there is no such net
    averaged: the losses for which the mean of several predictions is a prediction
    curvature: the optimizers that estimate the loss's curvature
    momentum: the default momentum of those optimizers that have one to set
    full_batch: the optimizers that make sense only with all examples in every step, each with the reason
    colored: the augmentations that need pictures with colours
    own_task: the options of a user's own task, where arms set some; None where they do not
    """

    tasks: Mapping[str, Kinds]
    models: Mapping[str, Kinds]
    nets: Mapping[str, Callable[[tuple[int, ...], int, Mapping[str, Any]], NetSize]]
    losses: Mapping[str, Kinds]
    averaged: frozenset[str]
    preprocessing: Mapping[str, Preparing]
    initializations: Mapping[str, Kinds]
    optimizers: Mapping[str, Kinds]
    momentum: Mapping[str, float]
    curvature: frozenset[str]
    full_batch: Mapping[str, str]
    momentum_schedules: Mapping[str, Kinds]
    rate_schedules: Mapping[str, Kinds]
    augmentation: Mapping[str, Kinds]
    colored: frozenset[str]
    emphasis: Mapping[str, Kinds]
    metrics: Mapping[str, Judging]
    own_task: Kinds | None = None
