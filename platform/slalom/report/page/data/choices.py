"""What the searches chose, along the range of each hyperparameter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.study.ranges import Choices, Range
from slalom.verdict.caveats import side_of

if TYPE_CHECKING:
    from slalom.study.model import StudySpec
    from slalom.study.ranges import Distribution
    from slalom.verdict.summary import ArmSummary, Summary
    from slalom.wire.trial import Scalar


@dataclass(frozen=True)
class ArmChoices:
    """An arm's choices of one hyperparameter.

    low, high: the ends of its range, or NaN where it is a choice of words or numbers, the `options`
    values: what each search that completed a trial chose
    at_low, at_high: how many of them lie at an end of the range, where the best may lie beyond it
    """

    arm: str
    low: float
    high: float
    options: tuple[Scalar, ...]
    values: tuple[Scalar, ...]
    at_low: int
    at_high: int


@dataclass(frozen=True)
class Chosen:
    """A hyperparameter that arms search, by dotted name; log: whether it is drawn evenly in the logarithm."""

    name: str
    log: bool
    arms: tuple[ArmChoices, ...]


def chosen(spec: StudySpec, summary: Summary) -> tuple[Chosen, ...]:
    """Every hyperparameter that is searched, with the arms that search it; words and numbers of one name apart."""
    found: dict[tuple[str, bool], list[ArmChoices]] = {}
    log: dict[tuple[str, bool], bool] = {}
    for arm in summary.arms:
        for name, distribution in spec.arm(arm.name).space.items():
            key = (name, isinstance(distribution, Choices))
            found.setdefault(key, []).append(_arm(arm, name, distribution))
            log[key] = log.get(key, True) and isinstance(distribution, Range) and distribution.log
    return tuple(Chosen(key[0], log[key], tuple(arms)) for key, arms in found.items())


def _arm(arm: ArmSummary, name: str, distribution: Distribution) -> ArmChoices:
    values = tuple(choice[name] for choice in arm.chosen if choice is not None)
    if isinstance(distribution, Choices):
        return ArmChoices(arm.name, math.nan, math.nan, distribution.options, values, 0, 0)
    sides = [side_of(distribution, value) for value in values]
    low, high = float(distribution.low), float(distribution.high)
    return ArmChoices(arm.name, low, high, (), values, sides.count("low"), sides.count("high"))
