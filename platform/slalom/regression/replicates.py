"""An arm's confirm trials seed by seed: what a baseline pins, and what a later training is held against."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.search.choice import final
from slalom.wire.trial import Phase, TrialId, test, validation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.study.model import StudySpec
    from slalom.wire.trial import Ended

SPLITS = ("train.", "validation.", "test.", "oob.")
"""The beginnings of the metrics that every training reports; those of layers are reported only where a study asks."""

DIGITS = 16
"""Hexadecimal digits of a seed's digest."""


@dataclass(frozen=True)
class Replicates:
    """What an arm gave, training by training: the first seed of every search, then the second of every one, ...

    values: the study's metric on test data, as the verdict counts it: the worst value where a trial diverged or failed
    epochs: to the first report whose validation metric reached the target; a report's distance more than the whole
        training where none did
    digests: over the metrics of every report and of the end; equal where a training came out the same bit for bit
    """

    values: tuple[float, ...]
    epochs: tuple[float, ...]
    digests: tuple[str, ...]

    def first(self, trainings: int) -> Replicates:
        """The same of the first `trainings` trainings alone."""
        return Replicates(self.values[:trainings], self.epochs[:trainings], self.digests[:trainings])


def replicates(
    spec: StudySpec, arm: str, results: Mapping[TrialId, Ended], trainings: int, target: float | None
) -> Replicates:
    """What an arm gave in its first `trainings` confirm trainings; ValueError where one of them has not ended.

    results: the trials that ended, with their histories
    target: as in PinnedArm
    """
    from slalom.verdict.results import worst_value  # here: numpy takes long to import

    trials = _trials(spec, arm, results, trainings)
    worst = worst_value(spec, results)
    values = [final(trial, test(spec.metric.name)) for trial in trials]
    return Replicates(
        tuple(value if math.isfinite(value) else worst for value in values),
        tuple(_epochs(spec, trial, target) for trial in trials),
        tuple(_digest(trial) for trial in trials),
    )


def searches_of(spec: StudySpec) -> int:
    """The searches of every arm of a study whose searches are not staged."""
    return spec.tune.searches.at_most


def reached(spec: StudySpec, arm: str, results: Mapping[TrialId, Ended], trainings: int) -> float | None:
    """The mean final validation metric of the trials that completed, the target of later ones; None without any."""
    name = validation(spec.metric.name)
    finals = [final(trial, name) for trial in _trials(spec, arm, results, trainings)]
    finite = [value for value in finals if math.isfinite(value)]
    return math.fsum(finite) / len(finite) if finite else None


def _trials(spec: StudySpec, arm: str, results: Mapping[TrialId, Ended], trainings: int) -> list[Ended]:
    searches = searches_of(spec)
    ids = [TrialId(arm, Phase.CONFIRM, place // searches, place % searches) for place in range(trainings)]
    if missing := [trial for trial in ids if trial not in results]:
        raise ValueError(f"{arm} has not ended {trainings} confirm trainings, {missing[0]} is missing")
    return [results[trial] for trial in ids]


def _epochs(spec: StudySpec, trial: Ended, target: float | None) -> float:
    name = validation(spec.metric.name)
    for report in trial.result.history:
        value = report.metrics[name]
        if target is not None and (value == target or spec.metric.better(value, target)):
            return float(report.epoch)
    return float(spec.epochs + spec.report_every)


def _digest(trial: Ended) -> str:
    """The digest of a training; JSON's numbers read back as they were, so equal digests are equal bits."""
    result = trial.result
    ends = {name: value for name, value in result.metrics.items() if name.startswith(SPLITS)}
    reports = [
        (report.epoch, {name: value for name, value in report.metrics.items() if name.startswith(SPLITS)})
        for report in result.history
    ]
    text = json.dumps([str(result.outcome), result.epochs, ends, reports], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
