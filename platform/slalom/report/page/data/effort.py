"""What tuning effort bought: the expected best validation value against trials, and against what they cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.search.choice import ended_of
from slalom.wire.trial import Phase

if TYPE_CHECKING:
    from slalom.search.choice import Results
    from slalom.study.model import StudySpec
    from slalom.verdict.interval import Interval
    from slalom.verdict.summary import Summary

MOST_STEPS = 100
"""Points of a curve at most, evenly spread, with the first and the last."""


@dataclass(frozen=True)
class ArmEffort:
    """An arm's search after `trials` trials.

    cost: epochs of a net that these trials have really trained, the mean over the searches; a pruned trial counts as
        far as it came, an ensemble's with each of its nets
    mean, band: the expected best validation value, over the searches
    """

    arm: str
    trials: tuple[int, ...]
    cost: tuple[float, ...]
    mean: tuple[float, ...]
    band: tuple[Interval, ...]


@dataclass(frozen=True)
class Effort:
    """The curves of the arms that search something; metric: what people read, such as "validation error"."""

    metric: str
    goal: str
    level: float
    arms: tuple[ArmEffort, ...]


def effort(spec: StudySpec, summary: Summary, results: Results) -> Effort:
    """The curves of a study; no arms where a search is a single trial."""
    found = []
    for arm in summary.arms:
        if arm.effort is None or arm.effort.trials < 2:
            continue
        cost = cost_of(spec, arm.name, len(arm.effort.searches), results)
        last = arm.effort.trials - 1
        steps = min(arm.effort.trials, MOST_STEPS)
        places = [round(step * last / (steps - 1)) for step in range(steps)]
        found.append(
            ArmEffort(
                arm=arm.name,
                trials=tuple(place + 1 for place in places),
                cost=tuple(cost[place] for place in places),
                mean=tuple(arm.effort.mean[place] for place in places),
                band=tuple(arm.effort.band[place] for place in places),
            )
        )
    return Effort(spec.metric.on("validation"), spec.metric.goal, 1 - spec.compare.alpha, tuple(found))


def cost_of(spec: StudySpec, arm: str, searches: int, results: Results) -> list[float]:
    """What 1, 2, ... trials of an arm's search cost, in epochs of a net: the mean over its first searches.

    Where the order of proposals means nothing the trials are taken in any order, so that each costs the mean.
    """
    nets = spec.arm(arm).nets
    tuned = [ended_of(arm, Phase.TUNE, search, spec.tune.trials, results) for search in range(searches)]
    epochs = [[trial.result.epochs * nets for trial in trials] for trials in tuned]
    mean = [math.fsum(column) / len(column) for column in zip(*epochs, strict=True)]
    if spec.tune.sampler in ("random", "grid"):
        return [number * math.fsum(mean) / len(mean) for number in range(1, len(mean) + 1)]
    return [math.fsum(mean[:number]) for number in range(1, len(mean) + 1)]
