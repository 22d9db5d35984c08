"""Learning curves: the mean over an arm's searches at each epoch, with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.search.choice import ended_of
from slalom.verdict.effort import BAND_ROWS
from slalom.verdict.paired import mean_interval
from slalom.wire.trial import Phase, train, validation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.search.choice import Results
    from slalom.study.model import StudySpec
    from slalom.verdict.interval import Interval
    from slalom.verdict.summary import Confirmed, Summary
    from slalom.wire.trial import Ended

    ByEpoch = Mapping[int, float]

MOST_EPOCHS = 60
"""Epochs of a curve at most, evenly spread, with the first and the last."""


@dataclass(frozen=True)
class Curve:
    """The mean over the searches of an arm.

    epochs: those that were reported: [epochs]
    each: of each search the mean over its confirm seeds, or None where no seed had a finite value: [searches, epochs]
    mean, band: over the searches that have a value: [epochs]; searches: how many these are: [epochs]
    """

    epochs: tuple[int, ...]
    each: tuple[tuple[float | None, ...], ...]
    mean: tuple[float, ...]
    band: tuple[Interval, ...]
    searches: tuple[int, ...]


@dataclass(frozen=True)
class ArmCurves:
    """An arm's confirm trainings, epoch by epoch.

    training, validation: None where no confirm training reported the metric on that part of the data
    test, test_interval: what the arm reached on test data, which are looked at once, at the end
    """

    arm: str
    training: Curve | None
    validation: Curve | None
    test: float
    test_interval: Interval


@dataclass(frozen=True)
class Curves:
    """The curves of the arms that are confirmed.

    metric: its name within a part of the data, such as "error"; level: of the bands, point by point
    """

    metric: str
    level: float
    epochs: int
    arms: tuple[ArmCurves, ...]


def curves(spec: StudySpec, summary: Summary, results: Results) -> Curves:
    """The curves of a study."""
    arms = tuple(_arm(spec, arm.name, arm.confirm, results) for arm in summary.arms if arm.confirm)
    return Curves(spec.metric.name, 1 - spec.compare.alpha, spec.epochs, arms)


def _arm(spec: StudySpec, arm: str, found: Confirmed, results: Results) -> ArmCurves:
    every = range(found.searches)
    searches = [ended_of(arm, Phase.CONFIRM, search, spec.confirm_seeds, results) for search in every]
    name, alpha = spec.metric.name, spec.compare.alpha
    on_training, on_validation = (curve(searches, one, alpha) for one in (train(name), validation(name)))
    return ArmCurves(arm, on_training, on_validation, found.mean, found.interval)


def curve(searches: Sequence[Sequence[Ended]], name: str, alpha: float) -> Curve | None:
    """The curve of a reported metric, given each search's trials; None where nobody reported a finite value of it."""
    means = [_mean([_reported(trial, name) for trial in trials]) for trials in searches]
    epochs = _spread(sorted({epoch for search in means for epoch in search}))
    if not epochs:
        return None
    columns = [[search[epoch] for search in means if epoch in search] for epoch in epochs]
    return Curve(
        epochs=tuple(epochs),
        each=tuple(tuple(search.get(epoch) for epoch in epochs) for search in means),
        mean=tuple(math.fsum(column) / len(column) for column in columns),
        band=tuple(mean_interval(column, alpha, rows=BAND_ROWS) for column in columns),
        searches=tuple(map(len, columns)),
    )


def _reported(trial: Ended, name: str) -> ByEpoch:
    values = {report.epoch: report.metrics[name] for report in trial.result.history if name in report.metrics}
    return {epoch: value for epoch, value in values.items() if math.isfinite(value)}


def _mean(seeds: Sequence[ByEpoch]) -> ByEpoch:
    """The mean at each epoch over the seeds that have a value there."""
    found = {epoch: [seed[epoch] for seed in seeds if epoch in seed] for seed in seeds for epoch in seed}
    return {epoch: math.fsum(values) / len(values) for epoch, values in found.items()}


def _spread(epochs: Sequence[int]) -> list[int]:
    """At most MOST_EPOCHS of the epochs."""
    if len(epochs) <= MOST_EPOCHS:
        return list(epochs)
    last = len(epochs) - 1
    return [epochs[round(place * last / (MOST_EPOCHS - 1))] for place in range(MOST_EPOCHS)]
