"""Where a study's state lies: a folder on this machine, or the storages and servers named instead of it."""

from __future__ import annotations

import fcntl
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

from slalom.errors import InputError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEFAULT_FOLDER = Path("slalom-home")
"""Where a study's state lies unless another home is named."""

STORAGES = ("mysql", "postgresql", "sqlite")
TRACKERS = ("http", "https", "mssql", "mysql", "postgresql", "sqlite")


@dataclass(frozen=True)
class Home:
    """A home folder, and what stands in for its parts.

    storage: an Optuna storage's URL instead of `optuna.db`
    tracking: an MLflow tracking URI instead of `mlflow.db` and `artifacts/`
    Raises InputError where one of them cannot be what it should be.
    """

    folder: Path
    storage: str | None = None
    tracking: str | None = None

    def __post_init__(self) -> None:
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"--home: must be a folder, but {self.folder} is a file")
        _check("--storage: an Optuna storage", self.storage, STORAGES)
        _check("--tracking-uri: an MLflow tracking URI", self.tracking, TRACKERS)

    @property
    def storage_url(self) -> str:
        """Where Optuna keeps the trials."""
        return _with_driver(self.storage) if self.storage else f"sqlite:///{self.folder.resolve() / 'optuna.db'}"

    @property
    def tracking_uri(self) -> str:
        """Where MLflow keeps the records."""
        return _with_driver(self.tracking) if self.tracking else f"sqlite:///{self.folder.resolve() / 'mlflow.db'}"

    @property
    def artifacts(self) -> Path | None:
        """Where artifacts go; None where a tracking server decides."""
        return None if urlsplit(self.tracking_uri).scheme in ("http", "https") else self.folder.resolve() / "artifacts"

    @property
    def has_trials(self) -> bool:
        """Whether there can be any: a storage elsewhere always may have some."""
        return self.storage is not None or (self.folder / "optuna.db").exists()

    @property
    def has_records(self) -> bool:
        """Whether there can be any: a server elsewhere always may have some."""
        return self.tracking is not None or (self.folder / "mlflow.db").exists()

    @property
    def deserted(self) -> bool:
        """Whether a run was at work here, and none is any more."""
        try:
            with (self.folder / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def shown(self) -> dict[str, str]:
        """The three places for people to read, without passwords."""
        return {
            "home": str(self.folder),
            "storage": hide_passwords(self.storage_url),
            "tracking_uri": hide_passwords(self.tracking_uri),
        }

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other runs out of this home while one is writing; InputError where one is already."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("w")
        except OSError as exc:
            raise InputError(f"--home: cannot write to {self.folder}: {exc.strerror}") from exc
        with lock:
            try:
                _lock(lock)
            except BlockingIOError as exc:
                raise InputError(
                    f"--home: another run is at work in {self.folder}; wait for it, or use another"
                ) from exc
            yield


def _lock(file: IO[str]) -> None:
    """Lock it, or raise BlockingIOError; who asks whether a home is `deserted` holds it for an instant, so twice."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(0.1)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _check(what: str, url: str | None, schemes: Sequence[str]) -> None:
    if url is None:
        return
    scheme, found, rest = url.partition("://")
    kind = scheme.partition("+")[0]
    if not found or kind not in schemes:
        hint = nearest(kind, schemes) if found else ""
        example = "sqlite:///FILE" if "http" not in schemes else "sqlite:///FILE or http://HOST:5000"
        raise InputError(f"{what} is a URL such as {example}, but got {hide_passwords(url)!r}{hint}")
    if kind == "sqlite" and not re.match("/.", rest):
        raise InputError(f"{what} in SQLite names a file, as sqlite:///FILE does, but got {url!r}")


def _with_driver(url: str) -> str:
    """The URL, with the driver that `slalom[postgres]` brings where it names none: SQLAlchemy would take another."""
    return re.sub("^postgresql://", "postgresql+psycopg2://", url)


def hide_passwords(text: str) -> str:
    """The text with the passwords of every URL in it replaced by three stars."""
    text = re.sub(r"(://[^/:@\s]*):\S+@", r"\1:***@", text)
    return re.sub(r"(?i)((?:password|passwd|pwd|token)=)[^&\s'\"]+", r"\1***", text)
