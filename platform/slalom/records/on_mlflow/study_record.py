"""What MLflow alone holds of a study, read for its page; and the page, put beside the study's run."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mlflow import MlflowClient

from slalom.records.on_mlflow.answers import translated
from slalom.records.on_mlflow.night_runs import points_of
from slalom.records.on_mlflow.search import search
from slalom.records.on_mlflow.sqlite import finish_sqlite, sqlite_file
from slalom.records.on_mlflow.trial_runs.base import MODEL
from slalom.report.page.data.on_record import Decision, FirstLayer, NightPoint, Trend
from slalom.wire.learned import DECISIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from mlflow.entities import Run

    from slalom.study.model import StudySpec

PAGE = "report.html"
"""The page's name among the artifacts of the study's run."""


class StudyRecord:
    """The records of one study, used by one thread.

    Every call raises Infrastructure where MLflow does not answer.
    """

    def __init__(self, tracking_uri: str, study: StudySpec) -> None:
        self._uri = tracking_uri
        self._study = study
        self._client = MlflowClient(tracking_uri, registry_uri=tracking_uri)

    def first_layers(self) -> tuple[FirstLayer, ...]:
        """The filters of the kept nets whose first layer is a convolution, in the order of the arms."""
        with self._translated():
            found = [self._first_layer(arm, run_id) for arm, run_id in self._kept()]
        return tuple(layer for layer in found if layer is not None)

    def decisions(self) -> tuple[Decision, ...]:
        """What the kept nets decide over the plane, in the order of the arms; empty where inputs are not in one."""
        with self._translated():
            found = [(arm, self._file(run_id, DECISIONS)) for arm, run_id in self._kept()]
        return tuple(Decision(arm, **json.loads(content)) for arm, content in found if content is not None)

    def trends(self) -> tuple[Trend, ...]:
        """The nights of each arm's metrics, oldest first."""
        with self._translated():
            nights = list(self._runs("regression"))
        names = dict.fromkeys(name for run in nights for name, _ in points_of(run))
        return tuple(_trend(name, nights) for name in names if name.partition("/")[0] in self._arms())

    def put(self, page: str) -> None:
        """Put the page beside the study's run, in place of an earlier one; nothing where the study has no run."""
        with self._translated():
            for run in self._runs("study"):
                self._client.log_text(run.info.run_id, page, PAGE)
        if file := sqlite_file(self._uri):
            finish_sqlite(file)

    def _arms(self) -> set[str]:
        return {arm.name for arm in self._study.arms}

    def _runs(self, kind: str) -> Iterator[Run]:
        """The study's runs of a kind; of trials those alone that have a model."""
        experiment = self._client.get_experiment_by_name(self._study.name)
        if experiment is None:
            return
        conditions = [f"tags.`slalom.kind` = '{kind}'"]
        if kind == "trial":
            conditions.append(f"tags.`{MODEL}` != ''")
        yield from search(self._client, experiment.experiment_id, self._study.fingerprint, *conditions)

    def _kept(self) -> list[tuple[str, str]]:
        """The arms with a kept net, in the order of the study, each with the run of the net's trial."""
        found = {run.data.tags["slalom.arm"]: run.info.run_id for run in self._runs("trial") if MODEL in run.data.tags}
        return [(arm.name, found[arm.name]) for arm in self._study.arms if arm.name in found]

    def _first_layer(self, arm: str, run_id: str) -> FirstLayer | None:
        filters, initial = (self._file(run_id, f"filters/first_layer{part}.png") for part in ("", "_initial"))
        if filters is None or initial is None:
            return None
        metrics = self._client.get_run(run_id).data.metrics
        return FirstLayer(arm, filters, initial, metrics["filters.orientation"], metrics["filters.orientation_initial"])

    def _file(self, run_id: str, place: str) -> bytes | None:
        """A file among a run's artifacts, which lies in a folder there; None where there is no such folder."""
        if not any(one.path == place.partition("/")[0] for one in self._client.list_artifacts(run_id)):
            return None
        with TemporaryDirectory() as folder:
            return Path(self._client.download_artifacts(run_id, place, folder)).read_bytes()

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self._uri, "did not do as it was asked; no result is lost, and the same command goes on")


def _trend(name: str, nights: list[Run]) -> Trend:
    arm, _, metric = name.partition("/")
    points = [point for run in nights for found, point in points_of(run) if found == name]
    return Trend(
        arm, metric, tuple(NightPoint(one.date, one.difference, one.margin, str(one.answer)) for one in points)
    )
