"""The trials of a study in an Optuna storage: a trial is done if and only if it is written there.

Only trials that ended are written, each with all that is known of it, and those of one call all or none. So a crash
leaves no running trial that would distort the sampler or the budget; a trial that was in training is trained again, to
the same numbers.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import optuna
from optuna.storages import RDBStorage
from sqlalchemy.exc import DatabaseError, IntegrityError, SQLAlchemyError

from slalom.database import engine_options, of_other_tables, reason_of, translated
from slalom.errors import Infrastructure
from slalom.search.on_optuna.calls import misfit, read_by_calls, write_by_calls
from slalom.search.on_optuna.file import make_file
from slalom.search.on_optuna.holding import Hold, held, make_tables
from slalom.search.on_optuna.noted import NOTES, read_notes, write_note
from slalom.search.on_optuna.rows import TRIALS, forget_deleted, read_rows, write_rows
from slalom.search.on_optuna.survey import survey
from slalom.search.on_optuna.translate import METRIC_NAMES, direction, explained, quiet, stored, thawed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from optuna.trial import FrozenTrial
    from sqlalchemy.orm import Session

    from slalom.search.on_optuna.rows import Kept
    from slalom.study.model import StudySpec
    from slalom.wire.trial import Ended, TrialId

LOG = logging.getLogger("slalom")

OPENINGS, OPENING_SECONDS = 4, 0.5
"""Attempts to open a storage, and the time between two: Optuna fails where another process makes the tables meanwhile,
or has made only some of them.
"""


class OptunaStore:
    """One study's trials and notes, as one Optuna study for each arm.

    Only the loop writes. Raises Infrastructure where the storage does not answer.
    """

    def __init__(self, url: str, spec: StudySpec, shown: str) -> None:
        """shown: the URL without its password, for messages."""
        quiet()
        self._spec = spec
        self._shown = shown
        self._storage = self._open(url)
        self._root = f"{spec.name}/{spec.fingerprint[:12]}"
        self._studies: dict[str, optuna.Study] = {}
        self._hold: Hold | None = None
        self._by_rows = True

    @contextmanager
    def held(self, home: str) -> Iterator[None]:
        """See `TrialStore`."""
        hold = Hold(self._storage.engine, self._root, home)
        with self._translated():
            hold.take()
        self._hold = hold
        try:
            with hold.kept():
                with self._translated():
                    present = self._names()
                    arms = [name for arm in self._spec.arms if (name := self._name(arm.name)) in present]
                    self._try_rows()
                    forget_deleted(self._storage.engine, [self._study(name)._study_id for name in arms])
                yield
        finally:
            self._hold = None
            hold.release()

    def ended(self, mark: str | None = None) -> dict[TrialId, Ended]:
        """See `TrialStore`."""
        return {ended.spec.id: ended for ended in self._read(mark)}

    def add(self, ended: Sequence[Ended]) -> None:
        """See `TrialStore`; but where Optuna's own calls write, some trials may be kept although the call raises."""
        with self._translated():
            trials = [(self._study(self._name(one.spec.id.arm)), stored(one, self._spec)) for one in ended]
            try:
                self._insert(trials, [str(one.spec.id) for one in ended])
            except IntegrityError as exc:
                raise Infrastructure(
                    f"one of {len(ended)} trials, the first of which is {ended[0].spec.id}, is in {self._shown} "
                    f"already: another run of {self._root} has written it; what had ended is kept"
                ) from exc

    def note(self, name: str, value: Any) -> None:
        """Write a JSON value about the study as a whole; see `TrialStore`."""
        with self._translated():
            write_note(self._storage.engine, self._root, name, value, self._verify)

    def notes(self) -> Mapping[str, Any]:
        """All notes by name, and HELD where a run holds the study; empty where nothing was noted."""
        with self._translated():
            noted = read_notes(self._storage.engine, self._root)
            return {**noted[self._root], **self._held()} if noted else {}

    def close(self) -> None:
        """Close the storage; no other method may be called afterwards."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    def namesakes(self) -> Mapping[str, Mapping[str, Any]]:
        """See `TrialStore`."""
        with self._translated():
            found = {one.fingerprint: one.notes for one in survey(self._storage.engine) if one.study == self._spec.name}
        return {mark: notes for mark, notes in found.items() if not self._spec.fingerprint.startswith(mark)}

    def _read(self, mark: str | None = None) -> Iterator[Ended]:
        root = self._root if mark is None else f"{self._spec.name}/{mark}"
        with self._translated():
            present = self._names()
            names = {arm.name: f"{root}/{arm.name}" for arm in self._spec.arms}
            studies = {arm: self._study(name) for arm, name in names.items() if name in present}
            arms = {study._study_id: arm for arm, study in studies.items()}
            for kept in self._kept([*studies.values()]):
                yield thawed(kept, self._spec, arms[kept.study_id])

    def _names(self) -> set[str]:
        return set(optuna.get_all_study_names(self._storage))

    def _study(self, name: str) -> optuna.Study:
        if name not in self._studies:
            self._studies[name] = study = optuna.create_study(
                storage=self._storage, study_name=name, direction=direction(self._spec.metric), load_if_exists=True
            )
            if METRIC_NAMES not in self._storage.get_study_system_attrs(study._study_id):
                for attribute, value in explained(self._spec).items():
                    self._storage.set_study_system_attr(study._study_id, attribute, value)
        return self._studies[name]

    def _name(self, arm: str) -> str:
        """The name of the Optuna study that holds an arm's trials."""
        return f"{self._root}/{arm}"

    def _held(self) -> Mapping[str, bool]:
        return held(self._storage.engine).get(self._root, {})

    def _insert(self, trials: Sequence[tuple[optuna.Study, FrozenTrial]], keys: Sequence[str]) -> None:
        if trials and self._by_rows:
            write_rows(self._storage.engine, trials, keys, self._verify)
        elif trials:
            write_by_calls(self._storage, trials, keys, self._verify)

    def _verify(self, session: Session) -> None:
        """Raise Infrastructure where this store has lost its hold on the study to another run."""
        if self._hold is not None:
            self._hold.verify(session)

    def _kept(self, studies: Sequence[optuna.Study]) -> Iterator[Kept]:
        ids = [study._study_id for study in studies]
        if self._by_rows:
            try:
                return iter([*read_rows(self._storage.engine, ids)])
            except (SQLAlchemyError, AttributeError) as exc:
                if not of_other_tables(exc):
                    raise
                self._go_by_calls(reason_of(exc))
        return read_by_calls(self._storage, ids)

    def _try_rows(self) -> None:
        """Find out whether trials can be written as rows, before anything is started."""
        if self._by_rows and (reason := misfit(self._storage)):
            self._go_by_calls(reason)

    def _go_by_calls(self, reason: str) -> None:
        self._by_rows = False
        LOG.warning(
            "slalom: Optuna's tables in %s are others than this Slalom knows (%s): trials go through Optuna's own "
            "calls, which are slower",
            self._shown,
            reason,
        )

    def _open(self, url: str) -> RDBStorage:
        # SQLAlchemy raises ValueError for a port that is no number, Optuna RuntimeError for another Optuna's tables.
        with self._translated(ValueError, RuntimeError):
            make_file(url, _opened)
            for _ in range(OPENINGS - 1):
                try:
                    return _opened(url)
                except (DatabaseError, RuntimeError) as exc:
                    if not isinstance(exc, IntegrityError | RuntimeError) and "already exists" not in str(exc):
                        raise
                    time.sleep(OPENING_SECONDS)
            return _opened(url)

    def _translated(self, *also: type[Exception]) -> translated:
        return translated(self._shown, optuna.exceptions.OptunaError, *also)


def _opened(url: str) -> RDBStorage:
    storage = RDBStorage(url, engine_kwargs=engine_options(url))
    make_tables(storage.engine, TRIALS, NOTES)
    return storage
