"""Baselines and nights in MLflow: an artifact and an alias of the study, and a run for each night with its trend."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from slalom.errors import Infrastructure, InputError
from slalom.home import hide_passwords
from slalom.records.on_mlflow import environment as manners
from slalom.records.on_mlflow.address import check, finish_sqlite, sqlite_file

manners.teach()

from mlflow import MlflowClient  # noqa: E402 (it is taught before it is imported)
from mlflow.entities import Metric, RunTag  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402

from slalom.records.on_mlflow.experiment import open_experiment  # noqa: E402
from slalom.records.on_mlflow.pages.page import NOTE, cut, identity  # noqa: E402
from slalom.records.on_mlflow.registry import name_version  # noqa: E402
from slalom.records.on_mlflow.search import search  # noqa: E402
from slalom.records.on_mlflow.tables import make_tables  # noqa: E402
from slalom.regression.gate import Answer  # noqa: E402
from slalom.regression.page import markdown  # noqa: E402
from slalom.regression.trend import Panel, Point, picture  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

    from mlflow.entities import Run

    from slalom.regression.baseline import Baseline
    from slalom.regression.gate import Finding
    from slalom.regression.night import Night
    from slalom.study.model import StudySpec

ALIAS = "baseline"
ANSWERS = "slalom.answers"
NIGHTS = 365
"""In a trend: a year."""


def record_pin(tracking_uri: str, artifacts: Path | None, study: StudySpec, baseline: Baseline) -> None:
    """Lay the baseline beside the study's run, and name the registered models of its arms."""
    client = _client(tracking_uri, artifacts)
    try:
        experiment = open_experiment(client, study, artifacts)
        runs = list(search(client, experiment, baseline.fingerprint, "tags.`slalom.kind` = 'study'"))
        if not runs:
            place = hide_passwords(tracking_uri)
            raise InputError(f"{study.name} is not on record at {place}: `slalom run` records it")
        client.log_text(runs[0].info.run_id, baseline.spelled(), "baseline.json")
        for arm in baseline.arms:
            name_version(client, study.name, baseline.fingerprint, arm.name, ALIAS)
    except MlflowException as exc:
        raise _refused(tracking_uri, exc) from exc
    _finish(tracking_uri)


def record_night(tracking_uri: str, artifacts: Path | None, study: StudySpec, night: Night) -> None:
    """A run in the study's experiment, with every finding as metrics and the trend up to this night as a picture."""
    client = _client(tracking_uri, artifacts)
    try:
        experiment = open_experiment(client, study, artifacts)
        run = _create(client, experiment, night)
        client.log_text(run, json.dumps(night.as_json(), indent=1, allow_nan=False) + "\n", "night.json")
        client.log_text(run, _trend(client, experiment, night), "trend.svg")
        client.set_terminated(run, "FAILED" if night.answer is Answer.REGRESSED else "FINISHED")
    except MlflowException as exc:
        raise _refused(tracking_uri, exc) from exc
    _finish(tracking_uri)


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
    """Of the nights that are held against this baseline's study, the last of which is this one."""
    runs = list(search(client, experiment, night.baseline.fingerprint, "tags.`slalom.kind` = 'regression'"))[-NIGHTS:]
    panels = [Panel(name, _points(runs, name)) for name in map(_name, night.findings)]
    return picture(f"{night.baseline.study}: {len(runs)} nights against the baseline", panels)


def _points(runs: list[Run], name: str) -> list[Point]:
    """Of the nights that have this metric."""
    found = []
    for run in runs:
        answers, metrics = json.loads(run.data.tags[ANSWERS]), run.data.metrics
        if name in answers and name in metrics:
            far, margin = metrics[f"{name}/difference"], metrics[f"{name}/margin"]
            found.append(Point(_date(run.info.start_time), far, margin, Answer(answers[name])))
    return found


def _date(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _client(tracking_uri: str, artifacts: Path | None) -> MlflowClient:
    check(tracking_uri)
    make_tables(tracking_uri, artifacts)
    return MlflowClient(tracking_uri, registry_uri=tracking_uri)


def _finish(tracking_uri: str) -> None:
    if file := sqlite_file(tracking_uri):
        finish_sqlite(file)


def _refused(tracking_uri: str, exc: MlflowException) -> Infrastructure:
    place, reason = hide_passwords(tracking_uri), hide_passwords(str(exc))
    return Infrastructure(f"MLflow at {place} did not take the record: {reason}")
