"""An arm's mean curves over its searches, with their bands, as metrics of the arm's run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slalom.records.on_mlflow.pages.page import MetricPoint
from slalom.report.page.data.curves import curve
from slalom.search.choice import ended_of
from slalom.wire.trial import Phase, train, validation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slalom.study.model import StudySpec
    from slalom.verdict.summary import ArmSummary
    from slalom.wire.trial import Ended, TrialId

SECTION = "curves/"
"""The beginning of the metrics' names: MLflow draws names with a "/" in a section of their own, above the others."""


class MeanCurves:
    """The confirm trainings of one study, with what they reported of its metric alone."""

    def __init__(self, study: StudySpec) -> None:
        self._study = study
        self._names = (validation(study.metric.name), train(study.metric.name))
        self._confirmed: dict[TrialId, Ended] = {}

    def add(self, trials: Sequence[Ended]) -> None:
        """Take the confirm trainings among these trials; one that was given before changes nothing."""
        for trial in trials:
            if trial.spec.id.phase is Phase.CONFIRM:
                self._confirmed[trial.spec.id] = self._cut(trial)

    def points(self, arm: ArmSummary) -> Iterator[MetricPoint]:
        """Mean, low and high at each epoch, of an arm that is confirmed: the curves of the study's page."""
        if arm.confirm is None:
            return
        study = self._study
        searches = [
            ended_of(arm.name, Phase.CONFIRM, search, study.confirm_seeds, self._confirmed)
            for search in range(arm.confirm.searches)
        ]
        for name in self._names:
            found = curve(searches, name, study.compare.alpha)
            if found is None or len(found.epochs) == 1:  # one value is no curve
                continue
            for epoch, mean, band in zip(found.epochs, found.mean, found.band, strict=True):
                for part, value in (("", mean), (".low", band.low), (".high", band.high)):
                    yield MetricPoint(f"{SECTION}{name}{part}", value, epoch)

    def _cut(self, trial: Ended) -> Ended:
        history = tuple(
            replace(report, metrics={name: report.metrics[name] for name in self._names if name in report.metrics})
            for report in trial.result.history
        )
        return replace(trial, result=replace(trial.result, history=history, weights=()))
