"""The value of each search of each arm, on which the verdict rests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.verdict.scope import Scope
from slalom.verdict.search_values import SearchValues

if TYPE_CHECKING:
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Confirmed, Summary


@dataclass(frozen=True)
class ArmValues:
    """An arm's values.

    values: of each unit, the mean over its trainings, of which each that diverged counts as the worst value: [units]
    diverged: how many trainings of each unit diverged or failed: [units]
    mean: over the units
    """

    arm: str
    values: tuple[float, ...]
    diverged: tuple[int, ...]
    mean: float


@dataclass(frozen=True)
class Pairs:
    """The units of the verdict, paired over the arms: unit i has the same split and seeds in each of them.

    noun: what the units are called, "searches" or "seeds"
    """

    metric: str
    goal: str
    noun: str
    arms: tuple[ArmValues, ...]


def pairs(spec: StudySpec, summary: Summary) -> Pairs:
    """The values of the arms that are confirmed."""
    confirmed = [(arm.name, arm.confirm) for arm in summary.arms if arm.confirm]
    most = max((found.searches for _, found in confirmed), default=spec.tune.searches.at_most)
    scope = Scope.of(spec, most)
    arms = tuple(_arm(name, found, scope) for name, found in confirmed)
    return Pairs(spec.metric.on("test"), spec.metric.goal, scope.noun, arms)


def _arm(name: str, found: Confirmed, scope: Scope) -> ArmValues:
    units = scope.units(SearchValues(found.values))
    diverged = tuple(sum(math.isnan(value) for value in unit) for unit in units.values)
    return ArmValues(name, tuple(units.means(found.worst).tolist()), diverged, found.mean)
