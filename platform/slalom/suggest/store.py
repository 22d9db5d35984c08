"""The trials of a study in an Optuna storage: what is written here is done, and nothing else is.

Only trials that ended are written, each with all that is known of it, and those of one call all or none. A crash thus
leaves nothing half done: no running trial to distort the sampler or the budget; what was in training is trained
again, to the same numbers.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
import sqlalchemy.exc
from optuna.storages import RDBStorage
from sqlalchemy.engine import make_url

from slalom.errors import Infrastructure
from slalom.home import hide_passwords
from slalom.suggest.rows import write_rows
from slalom.suggest.translate import direction, frozen, quiet, thawed
from slalom.trial import Phase, TrialId

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from optuna.trial import FrozenTrial

    from slalom.spec.model import StudySpec
    from slalom.trial import Ended

CONNECT_SECONDS = 5


class TrialStore:
    """One study's trials and notes, as one Optuna study for each arm and phase.

    Only the loop writes. Raises Infrastructure where the storage does not answer.
    """

    def __init__(self, url: str, spec: StudySpec, shown: str) -> None:
        """shown: the URL without its password, for messages."""
        quiet()
        self._spec = spec
        self._shown = shown
        self._storage = _opened(url, shown)
        self._root = f"{spec.name}/{spec.fingerprint[:12]}"
        self._studies: dict[str, optuna.Study] = {}

    def ended(self) -> dict[TrialId, Ended]:
        """Every trial that ended, in no order."""
        return {ended.spec.id: ended for ended in self._read()}

    def add(self, ended: Sequence[Ended]) -> None:
        """Write trials that ended, of any arms and phases: all of them, or none where it raises."""
        with _translated(self._shown):
            self._insert([(self._study(self._name(one.spec.id)), frozen(one, self._spec)) for one in ended])

    def note(self, name: str, value: Any) -> None:
        """Write something about the study as a whole, such as what its lanes achieved."""
        with _translated(self._shown):
            self._study(self._root).set_user_attr(name, json.dumps(value))

    def notes(self) -> Mapping[str, Any]:
        """All that was noted."""
        with _translated(self._shown):
            if self._root not in self._names():
                return {}
            return {name: json.loads(value) for name, value in self._study(self._root).user_attrs.items()}

    def _read(self) -> Iterator[Ended]:
        with _translated(self._shown):
            present = self._names()
            for arm in self._spec.arms:
                for phase in Phase:
                    name = self._name(TrialId(arm.name, phase, 0))
                    if name in present:
                        for stored in self._study(name).get_trials(deepcopy=False):
                            yield thawed(stored, self._spec, arm.name, phase)

    def _names(self) -> set[str]:
        return set(optuna.get_all_study_names(self._storage))

    def _study(self, name: str) -> optuna.Study:
        if name not in self._studies:
            self._studies[name] = optuna.create_study(
                storage=self._storage, study_name=name, direction=direction(self._spec.metric), load_if_exists=True
            )
        return self._studies[name]

    def _name(self, trial: TrialId) -> str:
        """Of the Optuna study that holds a trial."""
        return f"{self._root}/{trial.arm}/{trial.phase}"

    def _insert(self, trials: Sequence[tuple[optuna.Study, FrozenTrial]]) -> None:
        if trials:
            write_rows(self._storage.engine, trials)


def noted(url: str, shown: str, name: str) -> list[Any]:
    """A note of every study in a storage that has it; Infrastructure where the storage does not answer."""
    quiet()
    storage = _opened(url, shown)
    with _translated(shown):
        studies = optuna.get_all_study_summaries(storage, include_best_trial=False)
    found = [json.loads(study.user_attrs.get(name, "null")) for study in studies]
    return [value for value in found if value is not None]


def _opened(url: str, shown: str) -> RDBStorage:
    options: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS}
    # A port that is no number is a ValueError of SQLAlchemy's, tables of another Optuna a RuntimeError of Optuna's.
    with _translated(shown, ValueError, RuntimeError):
        place = make_url(url)
        if place.get_backend_name() == "sqlite":
            options = {"timeout": 60, "factory": _Connection}
            _write_ahead(Path(place.database or ":memory:"))
        return RDBStorage(url, engine_kwargs={"connect_args": options, "pool_pre_ping": True})


class _Connection(sqlite3.Connection):
    """A connection whose commits do not wait for the disk.

    A process that dies loses nothing by it. A power cut may lose the last commits, each as a whole: their trials are
    trained again, to the same numbers.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.execute("PRAGMA synchronous=NORMAL")


def _write_ahead(file: Path) -> None:
    """SQLite's write-ahead log: commits cost a fraction, and readers do not wait for the writer."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


class _translated:  # noqa: N801 (a context manager, read as a word)
    """Optuna's and the database's errors as ours."""

    def __init__(self, shown: str, *also: type[Exception]) -> None:
        self._shown = shown
        self._also = also

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        vendors: tuple[type[Exception], ...] = (
            optuna.exceptions.OptunaError,
            sqlalchemy.exc.SQLAlchemyError,
            sqlite3.Error,
            OSError,
            ImportError,
            *self._also,
        )
        if isinstance(error, vendors):
            reason = next(iter(str(error.__cause__ or error).strip().splitlines()), type(error).__name__)
            raise Infrastructure(
                f"the Optuna storage {self._shown} does not answer: {hide_passwords(reason)}; check --storage, "
                "or leave it out for a file in the home folder"
            ) from error
