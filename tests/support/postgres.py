"""A PostgreSQL of the tests' own: on a free port, gone when they end. `tests/conftest.py` makes it a fixture."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import optuna
from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "hush-hush"


@dataclass(frozen=True)
class Postgres:
    """A server that can be stopped and started; `url` holds the password, `shown` does not."""

    binaries: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql+psycopg2://slalom:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    @property
    def shown(self) -> str:
        return self.url.replace(PASSWORD, "***")

    def start(self) -> None:
        options = f"-F -p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        self._control("start", "-l", str(self.folder / "log"), "-o", options)

    def stop(self) -> None:
        """At once, as a crash would."""
        self._control("stop", "-m", "immediate")

    def empty(self) -> None:
        """Delete what studies have left: Optuna's studies, and Slalom's notes, of which Optuna knows nothing."""
        for name in optuna.get_all_study_names(self.url):
            optuna.delete_study(study_name=name, storage=self.url)
        engine = create_engine(self.url)
        with engine.begin() as database:
            database.execute(text("DROP TABLE IF EXISTS slalom_note"))
        engine.dispose()

    def _control(self, *arguments: str) -> None:
        _unprivileged(self.binaries / "pg_ctl", "-w", "-t", "60", "-D", str(self.folder / "data"), *arguments)


def binaries() -> Path | None:
    """The folder of PostgreSQL's programs, the newest where there are several."""
    if found := shutil.which("pg_ctl"):
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda file: int(file.parts[-3]))
    return installed[-1].parent if installed else None


@contextmanager
def server(programs: Path) -> Iterator[Postgres]:
    """A running server. Its folder's path is short, for a socket's is limited, and open to an unprivileged user."""
    with tempfile.TemporaryDirectory(prefix="slalom-pg-", dir=tempfile.gettempdir()) as name:
        postgres = Postgres(programs, Path(name), _free_port())
        secret = postgres.folder / "secret"
        secret.write_text(PASSWORD)
        if os.getuid() == 0:
            for path in (postgres.folder, secret):
                shutil.chown(path, _user())
        login = ("-U", "slalom", "--auth=scram-sha-256", f"--pwfile={secret}")
        _unprivileged(programs / "initdb", "--no-sync", "-D", str(postgres.folder / "data"), *login)
        postgres.start()
        try:
            yield postgres
        finally:
            postgres.stop()


def _user() -> str:
    """Whom the server runs as in root's place, since it refuses to run as root."""
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _unprivileged(program: Path, *arguments: str) -> None:
    who = pwd.getpwnam(_user()) if os.getuid() == 0 else None
    options = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []} if who else {}
    with tempfile.TemporaryFile() as said:
        done = subprocess.run([program, *arguments], stdout=said, stderr=said, cwd="/", check=False, **options)
        said.seek(0)
        assert done.returncode == 0, said.read().decode()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
