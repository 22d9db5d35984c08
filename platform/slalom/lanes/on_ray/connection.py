"""The connection to Ray: a running cluster that answers within seconds, or a local one that is started."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
import warnings
from contextlib import contextmanager, suppress
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from slalom.errors import Infrastructure, InputError
from slalom.urls import quoted_address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KNOCK_SECONDS = 5.0
"""The time within which a server must answer `knock`."""

LOCAL = "local"

LOCAL_TRIES = 2
LOCAL_SECONDS = 60.0
"""The least number of tries to start a local Ray, and how long further tries are made where Ray's own limits end them.

Ray gives up where its helper processes take over 15 s, or its node over 30 s, which no option of Ray's changes; on a
busy machine they may. So the seconds are those of an idle machine: a second counts as the share of a processor that
each runnable process gets.
"""

QUICK_SECONDS = 10.0
"""A try that failed sooner did not fail for want of time."""

CLIENT_TRIES = 4
"""How often a connection as a Ray client is tried. Ray's proxy forks a server for each client while other threads call
gRPC, and now and then that server dies at once (in 4 of 9 tries with Ray 2.60); the client then sees a failed start.
"""

LOCAL_STORE_BYTES = 256 << 20
"""Shared memory of a local Ray's object store beside the data. Ray's default is 30 % of the machine's memory, but turns
and replies are small.
"""

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # no warning that later versions of Ray will treat the accelerator's variable in another way
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # every line: where a lane dies, Ray prints a paragraph to standard output, though nothing is logged to the driver
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
    # a local Ray would start a worker for each processor, and lanes, which have an environment of their own, use none
    "RAY_enable_worker_prestart": "0",
    "RAY_prestart_worker_first_driver": "0",
}
"""Variables that Ray reads when it is imported and when it starts its processes."""

HTTP2_SETTINGS = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
HTTP2_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HTTP2_SETTINGS
TLS_ALERT = 0x15


@contextmanager
def connected(address: str | None, folder: Path | None, namespace: str, data_bytes: int = 0) -> Iterator[Any]:
    """Connect to Ray for the length of the block, which gets the ray module.

    address: of a running cluster; None starts a local Ray, and stops it when the block is left
    folder: the actors run in a copy of it; None for Ray's own choice
    data_bytes: room for the task's data in a local Ray's object store
    Raises InputError for a malformed address, and Infrastructure within seconds where nothing answers at the address,
    or where Ray does not start. This process must not be connected yet.
    """
    if address is not None and address != "auto":
        knock(address)
    with own_environment():
        ray = _ray()
        options: dict[str, Any] = {"address": address} if address else _local(data_bytes)
        if folder is not None:
            options["runtime_env"] = {"working_dir": str(folder)}
        try:
            _init(ray, _tries(address), namespace=namespace, **options)
            yield ray
        finally:
            ray.shutdown()


def _tries(address: str | None) -> int:
    if address is None:
        return LOCAL_TRIES
    return CLIENT_TRIES if address.startswith("ray://") else 1


def _ray() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray
    return ray


def _init(ray: Any, tries: int, **options: Any) -> None:
    with warnings.catch_warnings(), own_sigterm():
        warnings.simplefilter("ignore")
        spent, began = 0.0, time.monotonic()
        for tried in count(1):
            try:
                ray.init(**options, log_to_driver=False, logging_level=logging.ERROR)
            except Exception as exc:
                seconds, began = time.monotonic() - began, time.monotonic()
                spent += seconds * _share()
                timely = options["address"] != LOCAL or seconds < QUICK_SECONDS or spent >= LOCAL_SECONDS
                if tried >= tries and timely:
                    raise Infrastructure(_failure(options["address"], exc)) from exc
                ray.shutdown()
            else:
                return


def _share() -> float:
    """The share of a processor that a runnable process got over the last minute, 1 at most."""
    return min(1.0, (os.cpu_count() or 1) / max(1.0, os.getloadavg()[0]))


def knock(address: str) -> None:
    """Make sure that a gRPC server answers at the address, within KNOCK_SECONDS: Ray itself would try for minutes.

    A gRPC server greets with an HTTP/2 settings frame, and one that wants TLS answers with an alert.
    Raises InputError for a malformed address, and Infrastructure where no gRPC server answers there.
    """
    host, port = _host_and_port(address)
    try:
        with socket.create_connection((host, port), timeout=KNOCK_SECONDS) as line, line.makefile("rb") as answers:
            line.sendall(HTTP2_GREETING)
            answer = answers.read(len(HTTP2_SETTINGS))
    except OSError as exc:
        raise Infrastructure(f"Ray at {address} does not answer: {exc}; check --ray, or leave it out") from exc
    if answer[3:4] != HTTP2_SETTINGS[3:4] and answer[:1] != bytes((TLS_ALERT,)):
        raise Infrastructure(
            f"what answers at {address} is no Ray; check --ray: its port is that of `ray start --head`, 6379 by "
            "default, not the dashboard's"
        )


def _host_and_port(address: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{address.removeprefix('ray://')}")
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")
    except ValueError:
        host = port = None
    if not host or not port or parts.username is not None or parts.path or parts.query or parts.fragment:
        got = quoted_address(address)
        raise InputError(f"--ray: an address is host:port, ray://host:port or auto, but got {got}")
    return host, port


def _local(data_bytes: int) -> dict[str, Any]:
    return {"address": LOCAL, "include_dashboard": False, "object_store_memory": LOCAL_STORE_BYTES + data_bytes}


def _failure(address: str, exc: Exception) -> str:
    reason = str(exc).strip() or type(exc).__name__
    if address == LOCAL:
        return f"a local Ray does not start: {reason}"
    if "InvalidAuthToken" in f"{exc} {exc.__cause__}":
        return (
            f"Ray at {address} wants a token: set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH where "
            "~/.ray/auth_token is another; `ray start` makes a cluster so wherever that file is there"
        )
    return (
        f"Ray at {address} cannot be joined: {reason}; check --ray: host:port works on the cluster's own nodes, "
        "ray://host:10001 from elsewhere"
    )


@contextmanager
def own_environment() -> Iterator[None]:
    """Set the variables in QUIET for the length of the block, and leave Ray's variables as they were found."""
    before = _rays_variables()
    try:
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        yield
    finally:
        new = _rays_variables().keys() - before.keys()
        for name in new:
            del os.environ[name]
        os.environ.update(before)
        if "RAY_AUTH_MODE" in new:
            _forget_tokens()


def _forget_tokens() -> None:
    """Have this process ask its peers for no token any more, as it does once Ray has started a local cluster.

    Otherwise the lanes of a cluster that was started without tokens would die.
    """
    raylet: Any = import_module("ray._raylet")
    with suppress(AttributeError):
        raylet.Config.initialize("")
        raylet.AuthenticationTokenLoader.instance().reset_cache()


def _rays_variables() -> dict[str, str]:
    """Variables that Ray may set: its own, and that by which it has `breakpoint()` open its debugger."""
    return {name: value for name, value in os.environ.items() if name.startswith(("RAY_", "PYTHONBREAKPOINT"))}


@contextmanager
def own_sigterm() -> Iterator[None]:
    """Restore the process's handler of SIGTERM, which ray.init replaces, when the block is left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)
