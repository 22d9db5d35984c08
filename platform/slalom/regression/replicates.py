"""An arm's confirm trials seed by seed: what a baseline pins, and what a later training is held against."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slalom.wire.trial import Outcome, Phase, TrialId, validation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.study.model import StudySpec
    from slalom.wire.trial import Ended

SPLITS = ("train.", "validation.", "test.", "oob.")
"""Metrics that every training reports; what is recorded of layers beside them is asked for or not."""

DIGITS = 16
"""Hexadecimal digits of a seed's digest."""


@dataclass(frozen=True)
class Replicates:
    """What an arm gave, by seed.

    values: the study's metric on test data, as the verdict counts it: the worst value where a trial diverged or failed
    epochs: to the first report whose validation metric reached the target; a report's distance more than the whole
        training where none did
    digests: of every metric of every report and of the end; equal where a training came out the same bit for bit
    """

    values: tuple[float, ...]
    epochs: tuple[float, ...]
    digests: tuple[str, ...]

    def first(self, seeds: int) -> Replicates:
        """Of so many seeds."""
        return Replicates(self.values[:seeds], self.epochs[:seeds], self.digests[:seeds])


def replicates(
    spec: StudySpec, arm: str, results: Mapping[TrialId, Ended], seeds: int, target: float | None
) -> Replicates:
    """Of an arm whose first `seeds` confirm trials ended, with their histories."""
    from slalom.verdict.compare import confirm  # here: numpy takes long to import

    confirmed = confirm(replace(spec, confirm_seeds=seeds), arm, results)
    if confirmed is None:
        raise ValueError(f"{arm} has not ended {seeds} confirm trials")
    trials = _trials(arm, results, seeds)
    return Replicates(
        confirmed.values,
        tuple(_epochs(spec, trial, target) for trial in trials),
        tuple(_digest(trial) for trial in trials),
    )


def reached(spec: StudySpec, arm: str, results: Mapping[TrialId, Ended], seeds: int) -> float | None:
    """The mean final validation metric of the trials that completed, the target of later ones; None without any."""
    name = validation(spec.metric.name)
    complete = [trial.result for trial in _trials(arm, results, seeds) if trial.result.outcome is Outcome.COMPLETE]
    finals = [result.metrics[name] for result in complete if math.isfinite(result.metrics[name])]
    return math.fsum(finals) / len(finals) if finals else None


def _trials(arm: str, results: Mapping[TrialId, Ended], seeds: int) -> list[Ended]:
    return [results[TrialId(arm, Phase.CONFIRM, number)] for number in range(seeds)]


def _epochs(spec: StudySpec, trial: Ended, target: float | None) -> float:
    name = validation(spec.metric.name)
    for report in trial.result.history:
        value = report.metrics[name]
        if target is not None and (value == target or spec.metric.better(value, target)):
            return float(report.epoch)
    return float(spec.epochs + spec.report_every)


def _digest(trial: Ended) -> str:
    """Numbers are spelled so that they read back the same, so equal spellings are equal bits."""
    result = trial.result
    ends = {name: value for name, value in result.metrics.items() if name.startswith(SPLITS)}
    reports = [
        (report.epoch, {name: value for name, value in report.metrics.items() if name.startswith(SPLITS)})
        for report in result.history
    ]
    text = json.dumps([str(result.outcome), result.epochs, ends, reports], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
