"""Tracking URIs that cannot be recorded to are told at once."""

from __future__ import annotations

import time

import pytest

from slalom.errors import Infrastructure, InputError
from slalom.records.on_mlflow import MlflowRecorder
from slalom.records.on_mlflow.address import check
from tests.support.record_samples import describe, study


def test_a_server_that_is_not_there_is_told_at_once():
    begun = time.monotonic()
    with pytest.raises(Infrastructure, match=r"MLflow does not answer at http://\*\*\*@127\.0\.0\.1:9/x") as caught:
        MlflowRecorder("http://ada:secret@127.0.0.1:9/x", None, study(), describe)
    assert time.monotonic() - begun < 10
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)


def test_a_database_that_is_not_there_is_told_at_once():
    with pytest.raises(Infrastructure, match="start it, or leave out --tracking-uri"):
        check("postgresql+psycopg2://ada:secret@127.0.0.1:9/mlflow")


@pytest.mark.parametrize("given", ["mlruns", "file:///mlruns", "sqlite://"])
def test_a_uri_that_no_server_stands_behind_is_refused(given):
    with pytest.raises(InputError, match="tracking URI must"):
        check(given)


def test_a_file_that_is_no_database_is_told_at_once(tmp_path):
    (tmp_path / "mlflow.db").write_text("something else, and long enough to be read as a header" * 10)
    with pytest.raises(Infrastructure, match="no SQLite database"):
        check(f"sqlite:///{tmp_path}/mlflow.db")
