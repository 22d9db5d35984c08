"""What a task's data tell, which the file of a study does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from slalom.wire.trial import Settings, TrialSpec

Splits = Literal["drawn", "loaded", "one"]


@dataclass(frozen=True)
class Inspected:
    """What the task's data tell.

    data: the digest of the data, 64 hexadecimal digits
    facts: what is known about the task, such as {"bayes_error": 0.2101}
    has_model: the task brings its own model, and the study names none
    layers: how many layers with weights that model has, given an arm's settings of it, as values; InputError where it
        cannot be built
    regression: the task has numbers to predict, not classes
    splits: how the task comes to other splits than its own: they can be "drawn" from its examples, the task has them
        "loaded" one by one, or it has "one" alone
    examples: of the training part, or None where nobody counted
    shape: of one input as a net takes it, such as (64,), or (1, 8, 8) of pictures; () where nobody looked
    outputs: how many numbers a net's answer has; 1 where nobody counted
    rehearse: trains a net of the task's own for a step of each of these trials, and raises InputError where a pack
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
