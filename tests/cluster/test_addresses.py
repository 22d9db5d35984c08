"""An address that is none is refused; one where no Ray answers is told within seconds."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import ray

import slalom
from slalom.errors import Infrastructure, InputError
from slalom.lanes.on_ray import connection
from tests.cluster.clusters import free_port
from tests.cluster.crews import crew, heard
from tests.cluster.studies import SPEC, rows
from tests.cluster.workers import told
from tests.support.mlflow_tables import database

SECONDS = 25.0


@contextmanager
def listening(answer=None):
    """The port of a server that says nothing, or always the same and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                lines.append(line)
                if answer is not None:
                    line.sendall(answer)
                    line.close()

        lines = []
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for line in lines:
                line.close()


def refused(address, error):
    """What is said of the address, in time."""
    began = time.monotonic()
    with pytest.raises(error) as caught, crew(address):
        pass
    assert time.monotonic() - began < SECONDS
    assert not ray.is_initialized()
    return str(caught.value)


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_nothing_listens(scheme):
    address = f"{scheme}127.0.0.1:{free_port()}"
    assert refused(address, Infrastructure).startswith(f"Ray at {address} does not answer: [Errno 111]")


def test_nothing_answers(monkeypatch):
    monkeypatch.setattr(connection, "KNOCK_SECONDS", 1.0)
    with listening() as port:
        assert refused(f"127.0.0.1:{port}", Infrastructure).startswith(f"Ray at 127.0.0.1:{port} does not answer: ")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"220 mail.example"])
def test_something_else_answers(answer):
    with listening(answer) as port:
        assert refused(f"127.0.0.1:{port}", Infrastructure).startswith(f"what answers at 127.0.0.1:{port} is no Ray;")


def test_it_hangs_up():
    with listening(b"") as port:
        said = refused(f"127.0.0.1:{port}", Infrastructure)
    assert any(word in said for word in ("does not answer: ", "is no Ray;"))


def test_a_cluster_that_wants_a_token(monkeypatch):
    """`ray start` makes one of a cluster wherever a local Ray has left a token; Ray names it in the cause alone."""

    def init(**_):
        raise ConnectionError("Failed to connect") from RuntimeError("RPC error: InvalidAuthToken: it is missing")

    monkeypatch.setattr(connection, "knock", lambda _: None)
    monkeypatch.setattr(connection, "_ray", lambda: SimpleNamespace(init=init, shutdown=lambda: None))
    said = refused("head:6379", Infrastructure)
    assert said.startswith("Ray at head:6379 wants a token: set RAY_AUTH_MODE=token, ")


@pytest.mark.parametrize(
    "address",
    [
        "nonsense", "localhost", "localhost:", ":6379", "localhost:port", "localhost:0", "localhost:65536",
        "http://localhost:8265", "localhost:6379/", "ray://", "ray://localhost", "local..host:6379", "",
    ],
)  # fmt: skip
def test_no_address(address):
    rule = "--ray: an address is host:port, ray://host:port or auto"
    assert refused(address, InputError) == f"{rule}, but got {address!r}"


def test_the_run_says_so_and_its_home_is_not_locked(tmp_path):
    for _ in range(2):
        with pytest.raises(Infrastructure, match=r"does not answer: .* check --ray, or leave it out"):
            slalom.run(SPEC, tmp_path, ray=f"127.0.0.1:{free_port()}")


def test_a_process_that_is_connected_itself_can_run_a_study(cluster, expected, tmp_path):
    database(tmp_path)
    with crew(cluster.address, 1) as own:
        assert rows(slalom.run(SPEC, tmp_path, ray=cluster.address).export()) == expected
        own.send(0, told("answer", 3))
        assert heard(own, 1)[0][1].slots == 3
