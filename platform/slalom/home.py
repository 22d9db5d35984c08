"""Where a study's state lies: in a folder on this machine, or in the databases and servers named in its place."""

from __future__ import annotations

import fcntl
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

from slalom.errors import InputError, quoted_path
from slalom.urls import check_url, showable, sqlite_url

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_FOLDER = Path("slalom-home")
"""Where a study's state lies unless another home is named."""

STORAGES = ("mysql", "postgresql", "sqlite")
TRACKERS = ("http", "https", "mssql", "mysql", "postgresql", "sqlite")


@dataclass(frozen=True)
class Home:
    """A home folder, and the servers that replace parts of it.

    storage: the URL of an Optuna storage in place of the folder's `optuna.db`
    tracking: an MLflow tracking URI in place of the folder's `mlflow.db`
    Raises InputError where the folder is a file, or where a URL is of no kind that can be used.
    """

    folder: Path
    storage: str | None = None
    tracking: str | None = None

    def __post_init__(self) -> None:
        try:
            is_file = self.folder.exists() and not self.folder.is_dir()
        except OSError as exc:  # a name that no file system takes
            raise InputError(f"--home: {quoted_path(self.folder)}: {exc.strerror}") from exc
        if is_file:
            raise InputError(f"--home: must be a folder, but {self.folder} is a file")
        if self.storage is not None:
            check_url("--storage: an Optuna storage", self.storage, STORAGES)
        if self.tracking is not None:
            check_url("--tracking-uri: an MLflow tracking URI", self.tracking, TRACKERS)

    @property
    def storage_url(self) -> str:
        """The URL of the storage in which Optuna keeps the trials, with its password."""
        return _with_driver(self.storage) if self.storage else sqlite_url(self.folder.resolve() / "optuna.db")

    @property
    def tracking_uri(self) -> str:
        """The tracking URI at which MLflow keeps the records, with its password."""
        return _with_driver(self.tracking) if self.tracking else sqlite_url(self.folder.resolve() / "mlflow.db")

    @property
    def artifacts(self) -> Path | None:
        """The folder in which MLflow keeps artifacts; None where a tracking server decides."""
        return None if urlsplit(self.tracking_uri).scheme in ("http", "https") else self.folder.resolve() / "artifacts"

    def checkpoints(self, fingerprint: str) -> Path:
        """The folder of a study's checkpoints; it exists while a study that keeps checkpoints runs."""
        return self.folder.resolve() / "checkpoints" / fingerprint[:16]

    @property
    def has_trials(self) -> bool:
        """Whether there may be trials: True for a storage elsewhere, which is not asked."""
        return self.storage is not None or (self.folder / "optuna.db").exists()

    @property
    def has_lost_trials(self) -> bool:
        """Whether the file of trials is empty though there are records: a run makes the file of trials first."""
        file = self.folder / "optuna.db"
        return self.storage is None and file.exists() and not _filled(file) and _filled(self.folder / "mlflow.db")

    @property
    def has_records(self) -> bool:
        """Whether there may be records: True for a server elsewhere, which is not asked."""
        return self.tracking is not None or _filled(self.folder / "mlflow.db")

    @property
    def deserted(self) -> bool:
        """Whether a run has used this folder, and no run does now."""
        try:
            with (self.folder / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def shown(self) -> dict[str, str]:
        """Folder, storage and tracking URI for people to read, without passwords."""
        return {
            "home": str(self.folder),
            "storage": showable(self.storage_url),
            "tracking_uri": showable(self.tracking_uri),
        }

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Lock the home against other runs until the block is left; the folder is made where there is none.

        Raises InputError where another run has the lock, or where the folder cannot be written to.
        """
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


def _filled(file: Path) -> bool:
    """Whether there is a file, and something in it."""
    return file.exists() and file.stat().st_size > 0


def _lock(file: IO[str]) -> None:
    """Lock a file, or raise BlockingIOError; tried twice, since `deserted` holds the lock for an instant."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(0.1)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _with_driver(url: str) -> str:
    """The URL; one of PostgreSQL without a driver gets the one of `slalom[postgres]`: SQLAlchemy would take another."""
    return re.sub("^postgresql://", "postgresql+psycopg2://", url)
