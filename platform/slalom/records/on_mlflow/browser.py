"""MLflow's own web pages over a home's records, served by a process of their own; loads no MLflow."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING
from urllib.error import URLError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, Request, build_opener

from slalom.database import broken
from slalom.errors import Infrastructure, InputError
from slalom.records.on_mlflow.environment import DEFAULTS
from slalom.records.on_mlflow.pages.view import CONCLUSIONS, ORDER
from slalom.records.on_mlflow.sqlite import broken_records, sqlite_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slalom.home import Home

START_SECONDS = 60.0
"""The time within which MLflow's server must answer."""

APP = "slalom"
"""The name of `server.py` as an app of MLflow's server, see pyproject.toml."""

DIRECT = build_opener(ProxyHandler({}))
"""Asks a server of this machine, which no proxy of the environment's would reach."""


@contextmanager
def serve(home: Home, host: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Serve a home's records at host:port until the block is left; the block is entered when the server answers.

    Gives the server's process; its output goes to `ui.log` in the home. Raises InputError where nothing can listen at
    the port, where the home's records are a server's or where the home cannot be written to, and Infrastructure where
    the file of records is broken, or the server does not answer in START_SECONDS.
    """
    if (file := sqlite_file(home.tracking_uri)) and (problem := broken(file)):
        raise Infrastructure(broken_records(file, problem))
    _check_free(host, port)
    if home.artifacts is None:
        raise InputError(f"--tracking-uri: open {home.shown()['tracking_uri']} in a browser; `slalom ui` serves a home")
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--app-name",
        APP,
        "--artifacts-destination",
        home.artifacts.as_uri(),
    ]
    command += ["--host", host, "--port", str(port), "--workers", "1"]
    # The URI may hold a password, and every user of a machine reads its processes' arguments.
    environment = {**DEFAULTS, **os.environ, "MLFLOW_BACKEND_STORE_URI": home.tracking_uri}
    log = home.folder / "ui.log"
    with (
        _opened(log) as said,
        subprocess.Popen(  # noqa: S603 (our own words)
            command, env=environment, stdout=said, stderr=said
        ) as server,
    ):
        try:
            _await(server, f"http://{host}:{port}", log)
            yield server
        finally:
            server.terminate()


def pages(host: str, port: int) -> list[tuple[str, str]]:
    """The name of every experiment, and the address of the page that lists its studies and arms.

    host, port: of a server that `serve` started; OSError where it does not answer
    """
    request = Request(
        f"http://{host}:{port}/api/2.0/mlflow/experiments/search",
        data=json.dumps({"max_results": 1000}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with DIRECT.open(request, timeout=30) as answer:
        experiments = json.load(answer)["experiments"]
    query = urlencode(
        {
            "workflowType": "machine_learning",
            "searchFilter": CONCLUSIONS,
            "orderByKey": ORDER,
            "orderByAsc": "false",
        },
        quote_via=quote,
    )
    return [
        (one["name"], f"http://{host}:{port}/#/experiments/{one['experiment_id']}/runs?{query}")
        for one in experiments
        if one["experiment_id"] != "0"
    ]


def _check_free(host: str, port: int) -> None:
    """Make sure that a server can listen at the port: MLflow would say so in its log alone, after seconds."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            line.bind(place)
    except OSError as exc:
        raise InputError(f"--host, --port: cannot listen at {host}:{port}: {exc.strerror}; try another --port") from exc


def _opened(log: Path) -> IO[str]:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("w")
    except OSError as exc:
        raise InputError(f"--home: cannot write to {log.parent}: {exc.strerror}") from exc


def _await(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            DIRECT.open(f"{address}/health", timeout=5).close()
        except (URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise Infrastructure(f"MLflow's server does not come up at {address}: see {log}")
