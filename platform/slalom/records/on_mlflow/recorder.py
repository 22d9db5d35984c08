"""The recorder that hands its calls to a thread, where MLflow is."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from slalom.home import hide_passwords
from slalom.records.on_mlflow import environment as manners
from slalom.records.on_mlflow.address import check, finish_sqlite, sqlite_file
from slalom.records.on_mlflow.write_behind import WriteBehind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from slalom.records.on_mlflow.experiment import Book
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Summary
    from slalom.wire.trial import Ended, TrialSpec

MOST_TRIALS = 256
"""Trials in one transaction."""


class MlflowRecorder:
    """Records a study as runs of an MLflow experiment; one recorder at a time may write a study.

    tracking_uri: sqlite:///FILE, or a tracking server's or another database's URI
    artifacts: the folder of a new experiment's files, or None for the server's own choice
    describe: gives the study's description, as Markdown

    All work, MLflow's import included, is done by one thread. Making a recorder takes seconds at most, and raises
    InputError for a URI that will not do, Infrastructure for one that does not answer.
    """

    def __init__(
        self,
        tracking_uri: str,
        artifacts: Path | None,
        study: StudySpec,
        describe: Callable[[Summary], str],
    ) -> None:
        check(tracking_uri)
        self._uri = tracking_uri
        self._describe = describe
        self._latest: Summary | None = None
        self._ended: deque[Ended] = deque()
        book = partial(_open_book, tracking_uri, artifacts, study)
        self._writing = WriteBehind(book, self._finish, self._blame)

    def trials(self, ended: Sequence[Ended]) -> None:
        """Record trials that are not on record."""
        for trial in ended:
            self._ended.append(trial)
            self._writing.add(self._write_trials)

    def model(self, trial: TrialSpec, weights: Sequence[bytes]) -> None:
        """Record the weights of a trial on record, if it has none, and have the model registered."""
        self._writing.add(lambda book: book.model(trial, weights))

    def summary(self, summary: Summary) -> None:
        """Record the study as it stands, unless a later summary comes before its turn."""
        self._latest = summary
        self._writing.add(partial(self._write_summary, summary))

    def close(self) -> None:
        """Finish the writing; an SQLite file is complete in itself then."""
        self._writing.close()

    def _write_trials(self, book: Book) -> None:
        """Write what waits at once: the first of these jobs does the work of those behind it.

        Each takes at least one trial where any is left, so what comes after a trial's job finds it written.
        """
        waiting = min(len(self._ended), MOST_TRIALS)
        book.trials([self._ended.popleft() for _ in range(waiting)])

    def _write_summary(self, summary: Summary, book: Book) -> None:
        if summary is self._latest:
            book.summary(summary, self._describe(summary))

    def _finish(self, book: Book) -> None:
        book.sweep()
        if file := sqlite_file(self._uri):
            finish_sqlite(file)

    def _blame(self, exc: BaseException) -> str:
        return (
            f"MLflow at {hide_passwords(self._uri)} did not take a record: {hide_passwords(str(exc))}; "
            "no result is lost: the same command goes on, and writes what is missing"
        )


def _open_book(tracking_uri: str, artifacts: Path | None, study: StudySpec) -> Book:
    manners.teach()
    # takes seconds
    from slalom.records.on_mlflow.experiment import Book
    from slalom.records.on_mlflow.tables import make_tables

    make_tables(tracking_uri, artifacts)
    return Book(tracking_uri, artifacts, study)
