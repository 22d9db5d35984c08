"""Ray's job server: it runs programs on the cluster that outlive the process which started them."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import socket
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from slalom.errors import Infrastructure, InputError
from slalom.lanes.on_ray.connection import own_environment, own_sigterm
from slalom.urls import hide_passwords, quoted_address, showable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

KNOCK_SECONDS = 5.0
"""The time within which a job server must answer `knock`."""

START_SECONDS = 60.0
"""The time within which a head that answers must take jobs."""

END_SECONDS = 90.0
"""The time within which a job that was told to stop must have ended."""

STOP_SECONDS = 60
"""The time after which Ray kills a job that was told to stop; until then the job records what had ended."""

ELSEWHERE = ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS")
"""Variables whose address Ray would use in place of the one that it is given."""

TALKATIVE = (
    "ray.client_builder",
    "ray._private.runtime_env.packaging",
    "ray.dashboard.modules.dashboard_sdk",
    "ray.dashboard.modules.job.sdk",
)
"""Loggers of Ray's that log every step."""

ENVIRONMENT = {
    "RAY_JOB_STOP_WAIT_TIME_S": str(STOP_SECONDS),  # by default 3
    "RAY_OVERRIDE_JOB_RUNTIME_ENV": "1",  # the lanes run in a folder of their own, and not in the job's
}


@dataclass(frozen=True)
class Job:
    """A job of Ray's job server.

    number: which try at the same submission the job is, counted from 1
    status: Ray's word
    metadata: as it was submitted with the job
    exit_code: of the job's program; None where that has not ended by itself
    """

    id: str
    number: int
    status: str
    metadata: Mapping[str, str]
    message: str
    exit_code: int | None

    @property
    def ended(self) -> bool:
        """Whether the job is over, however it ended."""
        return self.status in ("SUCCEEDED", "FAILED", "STOPPED")

    @property
    def succeeded(self) -> bool:
        """Whether the job's program ended with exit code 0."""
        return self.status == "SUCCEEDED"


class JobServer:
    """A client of a cluster's job server, at `http://HOST:8265`; from `ray://HOST:10001` Ray finds the job server.

    Making it raises InputError for a malformed address, and Infrastructure where no server answers at the address, or
    where the server refuses. Every method raises Infrastructure where the server does not answer or refuses.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        knock(address)
        with self._translated(), own_environment(), own_sigterm(), _undirected(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from ray.job_submission import JobSubmissionClient

            for name in TALKATIVE:
                logging.getLogger(name).setLevel(logging.ERROR)
            self._client: Any = JobSubmissionClient(address)

    def jobs(self, submission: str) -> list[Job]:
        """All tries at a submission that this server knows, the latest last."""
        own = re.compile(rf"{re.escape(submission)}-(\d+)")
        with self._translated():
            found = [(one, own.fullmatch(one.submission_id or "")) for one in self._client.list_jobs()]
        return sorted((_job(one, int(match[1])) for one, match in found if match), key=lambda job: job.number)

    def submit(
        self, job: str, command: str, folder: Path, metadata: Mapping[str, str], more: Mapping[str, Any]
    ) -> bool:
        """Start a command on the cluster's head; returns False where there is a job of that name already.

        job: the new job's name
        folder: the command runs in a copy of it
        metadata: texts that the server keeps with the job
        more: further parts of the job's runtime environment, such as `installing` gives
        """
        environment = {"working_dir": str(folder), "env_vars": ENVIRONMENT, **more}
        words = {"entrypoint": command, "submission_id": job, "runtime_env": environment, "metadata": dict(metadata)}
        deadline = time.monotonic() + START_SECONDS
        with self._translated():
            while True:
                try:
                    self._client.submit_job(**words)
                except RuntimeError as exc:
                    if "already exists" in str(exc):
                        return False
                    if "No available agent" not in str(exc) or time.monotonic() > deadline:
                        raise
                else:
                    return True

    def logs(self, job: Job) -> str:
        """All output of the job so far."""
        with self._translated():
            return str(self._client.get_job_logs(job.id))

    def follow(self, job: Job, say: Callable[[str], None]) -> Job:
        """Pass the job's output on to `say`, from its beginning until the job ends; returns the job as it ended."""

        async def tail() -> None:
            async for lines in self._client.tail_job_logs(job.id):
                say(lines)

        with self._translated():
            asyncio.run(tail())
        return self._ended(job)

    def stop(self, job: Job) -> Job:
        """Tell the job to stop, wait until it has ended, for END_SECONDS at most, and return it as it ended."""
        with self._translated():
            self._client.stop_job(job.id)
        return self._ended(job)

    def _ended(self, job: Job) -> Job:
        deadline = time.monotonic() + END_SECONDS
        while time.monotonic() < deadline:
            with self._translated():
                now = _job(self._client.get_job_info(job.id), job.number)
            if now.ended:
                return now
            time.sleep(0.2)
        raise Infrastructure(f"{job.id} has not ended within {END_SECONDS:g} s")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn Ray's errors into Infrastructure; those of `requests` are OSErrors."""
        try:
            yield
        except Exception as exc:
            if not isinstance(exc, RuntimeError | OSError | _ray_error()):
                raise
            hint = "; RAY_AUTH_MODE=token and RAY_AUTH_TOKEN, or _PATH, let you in" if "token" in str(exc) else ""
            raise Infrastructure(
                f"the job server of {showable(self.address)} refuses: {_first_line(exc)}{hint}"
            ) from exc


def knock(address: str) -> None:
    """Make sure that a server listens at the address, within KNOCK_SECONDS: Ray itself would try for minutes.

    Raises InputError for a malformed address, and Infrastructure where nothing listens there.
    """
    host, port = place(address)
    try:
        socket.create_connection((host, port), timeout=KNOCK_SECONDS).close()
    except OSError as exc:
        raise Infrastructure(f"Ray at {showable(address)} does not answer: {exc}; check --ray") from exc


def place(address: str) -> tuple[str, int]:
    """The host and the port of a job server's address; InputError where the address cannot be a job server's."""
    form = "http://HOST:8265, the dashboard's, or ray://HOST:10001"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urlsplit("")
    if parts.scheme not in ("http", "https", "ray"):
        raise InputError(
            f"--ray: a job server's address is {form}, but got {quoted_address(address)}; "
            "host:port is where `slalom run` joins"
        )
    if not host or (not port and parts.scheme == "ray") or parts.path.strip("/") or parts.query or parts.fragment:
        raise InputError(f"--ray: a job server's address is {form}, but got {quoted_address(address)}")
    return host, port or {"http": 80, "https": 443}[parts.scheme]


def installing(packages: Sequence[str], modules: Sequence[Path]) -> dict[str, Any]:
    """The part of a job's runtime environment that installs packages by pip, and modules as they are here."""
    return {"pip": list(packages), "py_modules": [str(module) for module in modules]}


def _job(found: Any, number: int) -> Job:
    return Job(
        id=found.submission_id,
        number=number,
        status=found.status.value,
        metadata=found.metadata or {},
        message=found.message or "",
        exit_code=found.driver_exit_code,
    )


def _ray_error() -> type[Exception]:
    from ray.exceptions import RayError

    error: type[Exception] = RayError
    return error


def _first_line(exc: Exception) -> str:
    return hide_passwords(next(iter(str(exc).strip().splitlines()), type(exc).__name__))


@contextmanager
def _undirected() -> Iterator[None]:
    """Take the variables in ELSEWHERE away for the length of the block."""
    kept = {name: os.environ.pop(name) for name in ELSEWHERE if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)
