"""Where a study's state lies: a folder on this machine, or the storages and servers named instead of it."""

from __future__ import annotations

import fcntl
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from slalom.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Home:
    """A home folder, and what stands in for its parts.

    storage: an Optuna storage's URL instead of `optuna.db`
    tracking: an MLflow tracking URI instead of `mlflow.db` and `artifacts/`
    """

    folder: Path
    storage: str | None = None
    tracking: str | None = None

    @property
    def storage_url(self) -> str:
        """Where Optuna keeps the trials."""
        return self.storage or f"sqlite:///{self.folder.resolve() / 'optuna.db'}"

    @property
    def tracking_uri(self) -> str:
        """Where MLflow keeps the records."""
        return self.tracking or f"sqlite:///{self.folder.resolve() / 'mlflow.db'}"

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
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise InputError(
                    f"--home: another run is at work in {self.folder}; wait for it, or use another"
                ) from exc
            yield


def hide_passwords(text: str) -> str:
    """The text with the passwords of every URL in it replaced by three stars."""
    text = re.sub(r"(://[^/:@\s]*):[^@\s]+@", r"\1:***@", text)
    return re.sub(r"(?i)((?:password|passwd|pwd|token)=)[^&\s'\"]+", r"\1***", text)
