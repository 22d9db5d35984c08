"""Passwords of a night: nothing that it prints, writes, serves or starts shows one.

The storage is a PostgreSQL with a password, which is restarted in the night; the records go to MLflow's server with a
token, the news to a webhook whose path is its secret. In the end all three are ill, so that there is much to say.
"""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import chdir, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from slalom import wiring
from slalom.errors import Infrastructure
from slalom.schedule.store import open_store
from slalom.schedule.values import RunOutcome
from tests.chaos.servers import mlflow_server
from tests.cli.studies import await_that, ended, here, slalom, start
from tests.schedule.test_commands import free_port
from tests.schedule.test_nightly import STUDY, TASK
from tests.status.test_prometheus import get
from tests.support.patience import written
from tests.support.postgres import PASSWORD

pytestmark = pytest.mark.timeout(1800)

TOKEN, HOOK = "tr0ub-token", "path-of-the-hook"
SECRETS = {
    "password": PASSWORD,
    "token": TOKEN,
    "token as MLflow's client sends it": base64.b64encode(f"night:{TOKEN}".encode()).decode().rstrip("="),
    "path of the hook": HOOK,
}

MARGIN = "--margin cost=9"
"""A busy machine is no regression."""

ASIDE = "SLALOM_TEST_OF_SECRETS"
"""In the environment of all processes that the night starts."""

AWAY_SECONDS = 1.0
"""For which PostgreSQL is gone in the night."""


class Hook(BaseHTTPRequestHandler):
    """A webhook that answers with a code, and counts what it was told."""

    code, told = 200, 0

    def do_POST(self):
        Hook.told += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(Hook.code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass


@contextmanager
def webhook():
    with HTTPServer(("127.0.0.1", 0), Hook) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/{HOOK}"
        running.shutdown()
        thread.join()


class Arguments:
    """What the processes of the night show of their arguments to all users, looked at five times a second."""

    def __init__(self):
        self.seen = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._over.set()
        self._thread.join()

    def _look(self):
        while not self._over.wait(0.2):
            for place in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    if ASIDE.encode() in (place / "environ").read_bytes():
                        self.seen.add((place / "cmdline").read_bytes())


@pytest.fixture(scope="module")
def story(postgres):
    """All that a night has put out, and the commands around it: by name, as bytes."""
    # a short path, below which Ray's sockets have room
    with (
        tempfile.TemporaryDirectory(prefix="night-", dir="/tmp") as name,
        tempfile.TemporaryDirectory() as place,
        mlflow_server(Path(place)) as records,
        webhook() as hook,
        Arguments() as arguments,
        pytest.MonkeyPatch.context() as patch,
        chdir(name),
    ):
        folder = Path(name)
        (folder / "clouds.yaml").write_text(STUDY)
        (folder / "clouds.py").write_text(TASK)
        (folder / "tmp").mkdir()
        tracking = records.uri.replace("http://", f"http://night:{TOKEN}@")
        places = {"SLALOM_STORAGE": postgres.url, "SLALOM_TRACKING_URI": tracking, "SLALOM_WEBHOOK": hook}
        places |= {"TMPDIR": str(folder / "tmp"), "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", ASIDE: "1"}
        for variable, value in places.items():
            patch.setenv(variable, value)
        patch.setattr(wiring, "ray_lanes", lambda spec, address=None: wiring.local_lanes(spec))
        printed, outcome = night(folder, postgres, records)
        printed |= {"arguments": b"\n".join(arguments.seen), "PostgreSQL's log": (postgres.folder / "log").read_bytes()}
        return SimpleNamespace(outcome=outcome, put_out=printed | files(folder) | files(records.folder))


def night(folder, postgres, records):
    """Type the commands; gives what they printed, and what came of the night, whose lanes alone are Ray's."""
    printed = {}

    def typed(*command, code=0, apart=False):
        done = slalom(*command, cwd=folder) if apart else here(*command)
        printed[f"{len(printed)}: {' '.join(command)}"] = (done.stdout + done.stderr).encode()
        assert done.returncode == code, done.stderr

    typed("run", "clouds.yaml")
    typed("baseline", "set", "clouds.yaml", "--seeds", "20")
    typed("schedule", "add", "clouds.yaml", "--name", "nightly", "--cron", "0 3 1 1 *", "--arguments", MARGIN)
    port = free_port()
    log, store = folder / "server.log", open_store(postgres.url, "storage")
    with log.open("wb") as out, start("serve", "--metrics-port", port, cwd=folder, stdout=out, stderr=out) as server:
        try:
            await_that(store.lease, 100, lambda: written(folder))
            typed("schedule", "run-now", "nightly")
            await_that(lambda: store.last_runs(1), 100, lambda: written(folder))
            postgres.stop()
            time.sleep(AWAY_SECONDS)
            postgres.start()
            await_that(lambda: store.last_runs(1)[0].ended, 300, lambda: written(folder))
            printed["metrics page"] = repr(get(port, "/metrics")).encode()
            typed("status")
            typed("schedule", "list")
            server.send_signal(signal.SIGTERM)
            assert ended(server) == 0
        finally:
            server.kill()
    Hook.code = 503
    typed("regress", "clouds.yaml", *MARGIN.split(), code=Infrastructure.exit_code)
    typed("export", "clouds.yaml")
    typed("report", "clouds.yaml", "-o", "report.html")
    printed["PostgreSQL's tables"] = tables(postgres)
    outcome = store.last_runs(1)[0].outcome
    records.end()
    typed("regress", "clouds.yaml", code=Infrastructure.exit_code, apart=True)
    postgres.stop()
    try:
        typed("run", "clouds.yaml", code=Infrastructure.exit_code, apart=True)
        typed("status", code=Infrastructure.exit_code, apart=True)
    finally:
        postgres.start()
    return printed, outcome


def files(folder):
    """All files below a folder: the home's logs, MLflow's tables and artifacts, what Ray has written."""
    found = {}
    for place in folder.rglob("*"):
        if place.is_file() and not place.is_symlink():
            with suppress(FileNotFoundError):  # SQLite's journals come and go
                found[str(place)] = place.read_bytes()
    return found


def tables(postgres):
    """All rows of PostgreSQL's: Optuna's and the schedule's."""
    command = [str(postgres.binaries / "pg_dump"), "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "slalom"]
    variables = {**os.environ, "PGPASSWORD": PASSWORD}
    return subprocess.run([*command, "postgres"], env=variables, check=True, capture_output=True).stdout


def test_the_night_went_its_way(story):
    """Else there would be nothing to search."""
    put_out = story.put_out
    assert story.outcome is RunOutcome.OK
    assert Hook.told >= 2
    assert b"slalom_schedule_last_exit_code" in put_out["metrics page"]
    assert all(word in put_out["PostgreSQL's tables"] for word in (b"clouds", b"nightly"))
    assert all(word in put_out["arguments"] for word in (b"raylet", b"ray::LaneActor", b"regress"))
    for end in ("server.db", "server.log", "report.html", "raylet.out", "gcs_server.out"):
        assert [name for name in put_out if name.endswith(end)], end
    assert any("slalom-home/logs" in name for name in put_out)
    assert any(b"***" in text for name, text in put_out.items() if "regress" in name)


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_no_secret_is_in_anything_that_a_night_puts_out(story, secret):
    assert [name for name, text in story.put_out.items() if secret.encode() in text] == []
