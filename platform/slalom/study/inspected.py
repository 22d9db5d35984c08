"""What a task's data tell about a study beyond its file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from slalom.wire.trial import Settings, TrialSpec

Splits = Literal["drawn", "loaded", "one"]


@dataclass(frozen=True)
class Inspected:
    """What is known of a task once its data are loaded.

    data: the digest of the data, 64 hexadecimal digits
    facts: what is known about the task, such as {"bayes_error": 0.2101}
    has_model: the task brings its own model, and the study names none
    layers: gives the number of layers with weights of the task's model, given an arm's settings of it without
        distributions; raises InputError where the model cannot be built
    regression: the task has numbers to predict, not classes
    splits: how further splits are made: "drawn" from the examples, "loaded" one by one by the task, or "one" where
        there is none but the task's own
    examples: the number of training examples, or None where it is not known
    shape: of one input as a net takes it, such as (64,), or (1, 8, 8) of pictures; () where it is not known
    outputs: how many numbers a net's answer has; 1 where that is not known
    rehearse: trains the task's own net for a step of each of the given trials, and raises InputError where a pack
        cannot train it; None where the task brings no net
    whole: the inputs are whole numbers
    notes: what was done to the data, for people to read
    """

    data: str
    facts: Mapping[str, float] = field(default_factory=dict)
    has_model: bool = False
    layers: Callable[[Settings], int] | None = None
    regression: bool = False
    splits: Splits = "drawn"
    examples: int | None = None
    shape: tuple[int, ...] = ()
    outputs: int = 1
    rehearse: Callable[[Sequence[TrialSpec]], None] | None = None
    whole: bool = False
    notes: tuple[str, ...] = ()
