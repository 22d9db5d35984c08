"""The recorder of baselines and nights in MLflow; MLflow is imported by the first call that records something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.records.on_mlflow.address import check
from slalom.records.on_mlflow.environment import set_defaults
from slalom.records.on_mlflow.sqlite import finish_sqlite, sqlite_file
from slalom.records.on_mlflow.waiting import through_outages

if TYPE_CHECKING:
    from pathlib import Path

    from slalom.records.on_mlflow.night_runs import NightRuns
    from slalom.regression.baseline import Baseline
    from slalom.regression.night import Night
    from slalom.study.model import StudySpec


class MlflowNights:
    """A `NightRecorder` that writes a study's baselines and nights into the study's MLflow experiment.

    tracking_uri: sqlite:///FILE, or the URI of a tracking server or of another database
    artifacts: the folder of a new experiment's files; None leaves the choice to the tracking server

    Making one takes seconds at most, and loads no MLflow; it raises InputError for a URI that MLflow cannot record to,
    and Infrastructure where the server or database does not answer. So it is made before anything is trained. What was
    trained then is not lost by an outage: a record is tried again for as long as the study's resources say.
    """

    def __init__(self, tracking_uri: str, artifacts: Path | None, study: StudySpec) -> None:
        check(tracking_uri)
        self._uri = tracking_uri
        self._artifacts = artifacts
        self._study = study
        self._limit = study.resources.outage_limit

    def pin(self, baseline: Baseline) -> None:
        """Put the baseline's file beside the study's run, and name its arms' registered models "baseline"."""
        through_outages(self._uri, self._limit, lambda: self._runs().pin(baseline))
        self._finish()

    def night(self, night: Night) -> None:
        """Write a run with every finding as metrics, and the trend up to this night as a picture."""
        tries = iter((False,))
        through_outages(self._uri, self._limit, lambda: self._runs().night(night, again=next(tries, True)))
        self._finish()

    def _runs(self) -> NightRuns:
        # hours may have passed since it was asked the first time, and MLflow itself would try for minutes
        check(self._uri)
        set_defaults()
        # takes seconds
        from slalom.records.on_mlflow.night_runs import NightRuns
        from slalom.records.on_mlflow.tables import make_tables

        make_tables(self._uri, self._artifacts)
        return NightRuns(self._uri, self._artifacts, self._study)

    def _finish(self) -> None:
        if file := sqlite_file(self._uri):
            finish_sqlite(file)
