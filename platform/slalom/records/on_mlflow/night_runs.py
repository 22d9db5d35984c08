"""Baselines and nights in MLflow: a file and an alias for a study's baseline, and a run for each night."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlflow import MlflowClient
from mlflow.entities import Metric, RunTag

from slalom.errors import InputError
from slalom.records.on_mlflow.answers import translated
from slalom.records.on_mlflow.opening import open_experiment
from slalom.records.on_mlflow.pages.page import NOTE, cut, identity
from slalom.records.on_mlflow.registry import name_version
from slalom.records.on_mlflow.search import search
from slalom.regression.gate import Answer
from slalom.regression.page import markdown
from slalom.regression.trend import Panel, Point, picture
from slalom.urls import showable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mlflow.entities import Run

    from slalom.regression.baseline import Baseline
    from slalom.regression.gate import Finding
    from slalom.regression.night import Night
    from slalom.study.model import StudySpec

ALIAS = "baseline"
"""The alias of the registered models of a baseline's arms."""

ANSWERS = "slalom.answers"
"""The tag of a night's run that holds the answer of each finding, as JSON."""

NIGHTS = 365
"""The most nights that a trend shows: a year."""


class NightRuns:
    """The baseline and the nights of one study, in the study's MLflow experiment; used by one thread.

    Every call raises Infrastructure where MLflow does not take the record.
    """

    def __init__(self, tracking_uri: str, artifacts: Path | None, study: StudySpec) -> None:
        self._uri = tracking_uri
        self._artifacts = artifacts
        self._study = study
        self._client = MlflowClient(tracking_uri, registry_uri=tracking_uri)

    def pin(self, baseline: Baseline) -> None:
        """Put the baseline's file beside the study's run, and give the arms' registered models the alias.

        Raises InputError where MLflow has no run of the baseline's study.
        """
        client, fingerprint = self._client, baseline.fingerprint
        with translated(self._uri, "did not take the record"):
            experiment = open_experiment(client, self._study, self._artifacts)
            runs = list(search(client, experiment, fingerprint, "tags.`slalom.kind` = 'study'"))
            if not runs:
                place = showable(self._uri)
                raise InputError(f"{self._study.name} is not on record at {place}: `slalom run` records it")
            client.log_text(runs[0].info.run_id, baseline.spelled(), "baseline.json")
            for arm in baseline.arms:
                name_version(client, self._study.name, fingerprint, arm.name, ALIAS)

    def night(self, night: Night, *, again: bool = False) -> None:
        """Write a run with every finding as metrics, and the trend up to this night as a picture.

        again: whether it was tried before: a whole run of the night stays, one that was cut off is written anew
        """
        client = self._client
        with translated(self._uri, "did not take the record"):
            experiment = open_experiment(client, self._study, self._artifacts)
            if again and _is_written(client, experiment, night):
                return
            run = _create(client, experiment, night)
            client.log_text(run, json.dumps(night.as_json(), indent=1, allow_nan=False) + "\n", "night.json")
            client.log_text(run, _trend(client, experiment, night), "trend.svg")
            client.set_terminated(run, "FAILED" if night.answer is Answer.REGRESSED else "FINISHED")


def _is_written(client: MlflowClient, experiment: str, night: Night) -> bool:
    """Whether the night has a whole run; runs of it that are not whole are deleted."""
    mine = ("tags.`slalom.kind` = 'regression'", f"attributes.start_time = {int(night.seconds * 1000)}")
    runs = list(search(client, experiment, night.baseline.fingerprint, *mine))
    for run in runs:
        if run.info.status == "RUNNING":
            client.delete_run(run.info.run_id)
    return any(run.info.status != "RUNNING" for run in runs)


def _create(client: MlflowClient, experiment: str, night: Night) -> str:
    now = int(night.seconds * 1000)
    answers = {_name(finding): str(finding.answer) for finding in night.findings}
    tags = {
        **identity(night.baseline.fingerprint, "regression"),
        "slalom.answer": str(night.answer),
        ANSWERS: json.dumps(answers),
        NOTE: cut(markdown(night)),
    }
    run_id = str(client.create_run(experiment, now, tags, f"regression {_date(now)}").info.run_id)
    metrics = [Metric(name, value, now, 0) for finding in night.findings for name, value in _numbers(finding).items()]
    changed = [
        RunTag(f"slalom.changed.{change.name}", cut(f"{change.before} -> {change.now}"))
        for change in night.changes[:50]
    ]
    client.log_batch(run_id, metrics, tags=changed, synchronous=True)
    return run_id


def _numbers(finding: Finding) -> dict[str, float]:
    name = _name(finding)
    parts = {"baseline": finding.baseline, "difference": finding.difference, "margin": finding.margin}
    return {name: finding.tonight, **{f"{name}/{part}": value for part, value in parts.items()}}


def _name(finding: Finding) -> str:
    return f"{finding.arm}/{finding.metric}"


def _trend(client: MlflowClient, experiment: str, night: Night) -> str:
    """The picture of the nights that were held against a baseline of the same fingerprint; the last is this one."""
    runs = list(search(client, experiment, night.baseline.fingerprint, "tags.`slalom.kind` = 'regression'"))[-NIGHTS:]
    panels = [Panel(name, _points(runs, name)) for name in map(_name, night.findings)]
    return picture(f"{night.baseline.study}: {len(runs)} nights against the baseline", panels)


def _points(runs: list[Run], name: str) -> list[Point]:
    """A point for each of the nights that has this metric."""
    return [point for run in runs for found, point in points_of(run) if found == name]


def points_of(night: Run) -> Iterator[tuple[str, Point]]:
    """What a night's run says of each metric, by "arm/metric"."""
    metrics = night.data.metrics
    for name, answer in json.loads(night.data.tags[ANSWERS]).items():
        if name in metrics:
            far, margin = metrics[f"{name}/difference"], metrics[f"{name}/margin"]
            yield name, Point(_date(night.info.start_time), far, margin, Answer(answer))


def _date(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M")
