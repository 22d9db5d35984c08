"""Trials that wait for a study's storage, in an SQLite file of the home that exists while any trial waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.search.on_optuna.store import OptunaStore
from slalom.urls import sqlite_url

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from slalom.study.model import StudySpec
    from slalom.wire.trial import Ended


class OptunaOutbox:
    """An `Outbox` of one study in a folder."""

    def __init__(self, folder: Path, spec: StudySpec) -> None:
        self._file = folder / f"outbox-{spec.fingerprint[:12]}.db"
        self._spec = spec
        self._store: OptunaStore | None = None

    @property
    def place(self) -> str:
        """See `Outbox`."""
        return str(self._file)

    def ended(self) -> Sequence[Ended]:
        """See `Outbox`."""
        return [*self._opened().ended().values()] if self._store or self._file.exists() else []

    def add(self, ended: Sequence[Ended]) -> None:
        """See `Outbox`."""
        self._opened().add(ended)

    def clear(self) -> None:
        """See `Outbox`."""
        if self._store is not None:
            self._store.close()
            self._store = None
        for end in ("", "-wal", "-shm"):
            self._file.with_name(f"{self._file.name}{end}").unlink(missing_ok=True)

    def _opened(self) -> OptunaStore:
        if self._store is None:
            self._store = OptunaStore(sqlite_url(self._file.resolve()), self._spec, self.place)
        return self._store
