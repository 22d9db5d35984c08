"""The run of a trial as rows of MLflow's tables. All times are milliseconds since the epoch."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlflow.entities import LifecycleStage, Param, SourceType
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME
from mlflow.utils.uri import append_to_uri_path
from mlflow.utils.validation import _validate_batch_log_data

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mlflow.entities import DatasetInput

    from slalom.records.on_mlflow.trial_runs.base import TrialRun

    Row = dict[str, Any]


def new_id() -> str:
    """A new UUID of version 7 (RFC 9562), 32 hexadecimal digits; ids sort in the order in which they were made.

    MLflow's own ids are random (version 4), so the rows of each new run fall on some forty pages of the indexes that no
    earlier run has touched: writing a run then costs at 20,000 runs twice what it costs at 4,000.
    """
    moment, chance = time.time_ns() // 1_000_000, secrets.randbits(74)
    variant = 0b10
    return f"{moment << 80 | 7 << 76 | chance >> 62 << 64 | variant << 62 | chance & (1 << 62) - 1:032x}"


def valid(run: TrialRun) -> TrialRun:
    """The run with long values cut as MLflow cuts them; MlflowException for a name that MLflow does not take."""
    params = [Param(name, value) for name, value in run.params.items()]
    one_of_each = {metric.key: metric for metric in run.metrics}
    _, params, _ = _validate_batch_log_data(list(one_of_each.values()), params, [])
    return replace(run, params={param.key: param.value for param in params})


def run_row(run_id: str, run: TrialRun, experiment: int, artifacts: str) -> Row:
    """The row of the run itself.

    artifacts: the URI of the experiment's artifacts
    """
    return {
        "run_uuid": run_id,
        "name": run.name,
        "source_type": SourceType.to_string(SourceType.UNKNOWN),
        "source_name": "",
        "source_version": "",
        "entry_point_name": "",
        "user_id": "unknown",
        "status": run.status,
        "start_time": run.started,
        "end_time": run.ended,
        "lifecycle_stage": LifecycleStage.ACTIVE,
        "artifact_uri": append_to_uri_path(artifacts, run_id, "artifacts"),
        "experiment_id": experiment,
    }


def tag_rows(run_id: str, run: TrialRun) -> Iterator[Row]:
    """The rows of the run's tags; the run's name is one of them."""
    return _named(run_id, {**run.tags, MLFLOW_RUN_NAME: run.name})


def param_rows(run_id: str, run: TrialRun) -> Iterator[Row]:
    """The rows of the run's parameters."""
    return _named(run_id, run.params)


def metric_rows(run_id: str, run: TrialRun) -> Iterator[Row]:
    """A row for every value of every metric; a value that is given twice has one row, since the row is its own key."""
    for step, timestamp, value, name in dict.fromkeys(_points(run)):
        yield _metric(run_id, name, step, timestamp, value)


def latest_metric_rows(run_id: str, run: TrialRun) -> Iterator[Row]:
    """A row for each metric's latest value by MLflow's rule: last step, then latest time, then largest value."""
    latest = {name: (step, timestamp, value) for step, timestamp, value, name in sorted(_points(run))}
    for name, point in latest.items():
        yield _metric(run_id, name, *point)


def input_row(input_id: str, run_id: str, data_id: str) -> Row:
    """The row that says that a data set is an input of a run."""
    return {
        "input_uuid": input_id,
        "source_type": "DATASET",
        "source_id": data_id,
        "destination_type": "RUN",
        "destination_id": run_id,
    }


def input_tag_rows(input_id: str, data: DatasetInput) -> Iterator[Row]:
    """The rows of tags that say what the data set is to the run."""
    for tag in data.tags:
        yield {"input_uuid": input_id, "name": tag.key, "value": tag.value}


def _named(run_id: str, values: Mapping[str, str]) -> Iterator[Row]:
    for name, value in values.items():
        yield {"run_uuid": run_id, "key": name, "value": value}


def _points(run: TrialRun) -> Iterator[tuple[int, int, float, str]]:
    for metric in run.metrics:
        yield metric.step, metric.timestamp, metric.value, metric.key


def _metric(run_id: str, name: str, step: int, timestamp: int, value: float) -> Row:
    # a page has finite numbers only, so no value is marked as not a number
    return {"run_uuid": run_id, "key": name, "step": step, "timestamp": timestamp, "value": value, "is_nan": False}
