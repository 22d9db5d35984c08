"""Tracking URIs that cannot be recorded to are told at once."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from slalom.errors import Infrastructure, InputError
from slalom.records.on_mlflow import MlflowRecorder
from slalom.records.on_mlflow.address import check
from slalom.records.on_mlflow.browser import pages
from tests.support.record_samples import describe, study


def test_a_server_that_is_not_there_is_told_at_once():
    begun = time.monotonic()
    with pytest.raises(Infrastructure, match=r"MLflow does not answer at http://\*\*\*@127\.0\.0\.1:9/x") as caught:
        MlflowRecorder("http://ada:secret@127.0.0.1:9/x", None, study(), describe)
    assert time.monotonic() - begun < 40
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


def test_a_database_answers_where_one_of_its_hosts_does():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        check(f"postgresql+psycopg2://nowhere.invalid,127.0.0.1:{port}/mlflow")
    with pytest.raises(Infrastructure, match="MLflow does not answer"):
        check(f"postgresql+psycopg2://nowhere.invalid,127.0.0.1:{port}/mlflow")


def test_a_server_of_one_s_own_is_asked_directly_whatever_the_proxy(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    answer = b'HTTP/1.0 200 OK\r\nContent-Length: 19\r\n\r\n{"experiments": []}'
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            line, _ = listening.accept()
            line.recv(1 << 16)
            line.sendall(answer)
            line.close()

        threading.Thread(target=serve, daemon=True).start()
        assert pages("127.0.0.1", listening.getsockname()[1]) == []
