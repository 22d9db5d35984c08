"""What MLflow alone holds of a study, read for its page; and the page, put beside the study's run."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import mlflow
import numpy as np
from mlflow import MlflowClient

from slalom.records.on_mlflow.answers import translated
from slalom.records.on_mlflow.night_runs import points_of
from slalom.records.on_mlflow.search import search
from slalom.records.on_mlflow.sqlite import finish_sqlite, sqlite_file
from slalom.records.on_mlflow.trial_runs.base import MODEL
from slalom.report.page.data.on_record import FirstLayer, NightPoint, Trend

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from mlflow.entities import Run
    from numpy.typing import NDArray

    from slalom.study.model import StudySpec

PAGE = "report.html"
"""The page's name among the artifacts of the study's run."""


class KeptNet(NamedTuple):
    """The net that is kept of an arm: the run of its trial, its logged model, and the search it comes from."""

    run_id: str
    model_id: str
    search: int


class StudyRecord:
    """The records of one study, used by one thread.

    Every call raises Infrastructure where MLflow does not answer.
    """

    def __init__(self, tracking_uri: str, study: StudySpec) -> None:
        self._uri = tracking_uri
        self._study = study
        self._client = MlflowClient(tracking_uri, registry_uri=tracking_uri)

    def kept(self) -> Mapping[str, KeptNet]:
        """The kept nets that are on record, by arm, in the order of the study."""
        with self._translated():
            found = {run.data.tags["slalom.arm"]: _kept(run) for run in self._runs("trial") if MODEL in run.data.tags}
        return {arm.name: found[arm.name] for arm in self._study.arms if arm.name in found}

    def first_layers(self) -> tuple[FirstLayer, ...]:
        """The filters of the kept nets whose first layer is a convolution."""
        with self._translated():
            found = [self._first_layer(arm, net.run_id) for arm, net in self.kept().items()]
        return tuple(layer for layer in found if layer is not None)

    def predicted(self, net: KeptNet, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """What a kept net predicts of inputs [n, *shape]: [n, k]."""
        with self._translated(), TemporaryDirectory() as folder:
            place = self._client.get_logged_model(net.model_id).artifact_location
            there = mlflow.artifacts.download_artifacts(artifact_uri=place, dst_path=folder, tracking_uri=self._uri)
            return np.asarray(mlflow.pyfunc.load_model(str(there)).predict(inputs), dtype=np.float64)

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

    def _first_layer(self, arm: str, run_id: str) -> FirstLayer | None:
        if not any(one.path == "filters" for one in self._client.list_artifacts(run_id)):
            return None
        with TemporaryDirectory() as folder:
            there = Path(self._client.download_artifacts(run_id, "filters", folder))
            filters, initial = ((there / f"first_layer{part}.png").read_bytes() for part in ("", "_initial"))
        metrics = self._client.get_run(run_id).data.metrics
        return FirstLayer(arm, filters, initial, metrics["filters.orientation"], metrics["filters.orientation_initial"])

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self._uri, "did not do as it was asked; no result is lost, and the same command goes on")


def _kept(run: Run) -> KeptNet:
    tags = run.data.tags
    return KeptNet(run.info.run_id, tags[MODEL], int(tags["slalom.search"]))


def _trend(name: str, nights: list[Run]) -> Trend:
    arm, _, metric = name.partition("/")
    points = [point for run in nights for found, point in points_of(run) if found == name]
    return Trend(
        arm, metric, tuple(NightPoint(one.date, one.difference, one.margin, str(one.answer)) for one in points)
    )
