"""The MLflow run of a study or of an arm, which shows its latest summary; only what differs is written."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

from mlflow.entities import Metric, Param, RunTag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlflow import MlflowClient
    from mlflow.entities import Run

    from slalom.records.on_mlflow.pages.page import MetricPoint, Page


class SummaryRun:
    """One MLflow run, with what it shows by now, so that a new page costs only what differs from it.

    began: when the run was made, in milliseconds since the epoch

    One thread alone may use it; MLflow's exceptions pass through.
    """

    def __init__(self, client: MlflowClient, run: Run) -> None:
        self.run_id: str = run.info.run_id
        self.began: int = run.info.start_time
        self._client = client
        self._status: str = run.info.status
        self._tags: dict[str, str] = dict(run.data.tags)
        self._params: dict[str, str] = dict(run.data.params)
        self._metrics: dict[str, float] = dict(run.data.metrics)
        self._curves: dict[str, dict[int, float]] = {}
        self._clock = 0

    def show(self, page: Page, status: str) -> None:
        """Write what differs from the page that the run shows, and the run's status.

        A parameter keeps the value that was written first, since MLflow refuses another.
        """
        tags = {name: tag for name, tag in page.tags.items() if self._tags.get(name) != tag}
        params = {name: param for name, param in page.params.items() if name not in self._params}
        points = self._new(page.points)
        if tags or params or points:
            now = self._tick()
            self._client.log_batch(
                self.run_id,
                metrics=[Metric(point.name, point.value, now, point.step) for point in points],
                params=[Param(name, param) for name, param in params.items()],
                tags=[RunTag(name, tag) for name, tag in tags.items()],
                synchronous=True,
            )
            self._tags |= tags
            self._params |= params
            self._metrics |= {point.name: point.value for point in points}
            for point in points:
                self._curves.get(point.name, {})[point.step] = point.value
        self._turn(status)

    def tag(self, name: str, value: str) -> None:
        """Set a tag that no page has, where it differs."""
        if self._tags.get(name) != value:
            self._client.set_tag(self.run_id, name, value)
            self._tags[name] = value

    def _new(self, points: Sequence[MetricPoint]) -> list[MetricPoint]:
        """Those of the points that the run does not show: of a curve each step counts, of a single value the last."""
        times = Counter(point.name for point in points)
        return [point for point in points if self._shown(point, is_curve=times[point.name] > 1) != point.value]

    def _shown(self, point: MetricPoint, *, is_curve: bool) -> float | None:
        if not is_curve or point.name not in self._metrics:
            return self._metrics.get(point.name)
        if point.name not in self._curves:
            history = self._client.get_metric_history(self.run_id, point.name)
            self._curves[point.name] = {one.step: one.value for one in history}
        return self._curves[point.name].get(point.step)

    def _tick(self) -> int:
        """Milliseconds since the epoch, later at each call: of two values at one step MLflow shows the later one."""
        self._clock = max(self._clock + 1, int(time.time() * 1000))
        return self._clock

    def _turn(self, status: str) -> None:
        if status == self._status:
            return
        if status == "RUNNING":
            self._client.update_run(self.run_id, status=status)
        else:
            self._client.set_terminated(self.run_id, status)
        self._status = status
