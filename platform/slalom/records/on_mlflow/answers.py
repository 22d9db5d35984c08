"""What MLflow's exceptions mean: Infrastructure for records that are used by calls, or no failure at all."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode

from slalom.database import broken, reason_of
from slalom.errors import Infrastructure
from slalom.records.on_mlflow.sqlite import broken_records, sqlite_file
from slalom.urls import showable

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def translated(tracking_uri: str, what: str) -> Iterator[None]:
    """Raise Infrastructure in place of MLflow's exceptions; what: its failure, such as "did not take the record"."""
    try:
        yield
    except MlflowException as exc:
        if (file := sqlite_file(tracking_uri)) and (problem := broken(file)):
            raise Infrastructure(broken_records(file, problem)) from exc
        raise Infrastructure(f"MLflow at {showable(tracking_uri)} {what}: {reason_of(exc)}") from exc


def is_there(error: MlflowException) -> bool:
    """Whether MLflow refuses to make something since it is there: another process, or an unanswered call, made it."""
    return bool(error.error_code == ErrorCode.Name(RESOURCE_ALREADY_EXISTS))
