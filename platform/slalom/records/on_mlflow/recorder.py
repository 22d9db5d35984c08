"""The recorder of a study in MLflow: a thread of its own imports MLflow and does all the writing."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from slalom.database import broken, reason_of
from slalom.records.on_mlflow.address import check
from slalom.records.on_mlflow.environment import set_defaults
from slalom.records.on_mlflow.outage import is_outage
from slalom.records.on_mlflow.sqlite import broken_records, finish_sqlite, sqlite_file
from slalom.records.on_mlflow.write_behind import Patience, WriteBehind
from slalom.urls import showable
from slalom.wire.learned import NOTHING, Learned

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from slalom.records.on_mlflow.experiment import Experiment
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Summary
    from slalom.wire.trial import Ended, TrialSpec

MOST_TRIALS = 256
"""The most trials that are written in one transaction."""


class MlflowRecorder:
    """A `Recorder` that writes a study as runs of an MLflow experiment; one recorder at a time may write a study.

    tracking_uri: sqlite:///FILE, or the URI of a tracking server or of another database
    artifacts: the folder of a new experiment's files; None leaves the choice to the tracking server
    describe: gives the study's description, as Markdown
    versions: what the run is made with, by name; they become tags of the study's run
    tell: takes a line for people, when the server does not answer and when it does again; an outage may last as long as
        the study's resources say

    One thread of the recorder's own does all the work, MLflow's import included. Making a recorder takes seconds at
    most; it raises InputError for a URI that MLflow cannot record to, and Infrastructure where the server or database
    does not answer.
    """

    def __init__(
        self,
        tracking_uri: str,
        artifacts: Path | None,
        study: StudySpec,
        describe: Callable[[Summary], str],
        versions: Mapping[str, str] | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        check(tracking_uri)
        self._uri = tracking_uri
        self._describe = describe
        self._latest: Summary | None = None
        self._ended: deque[Ended] = deque()
        opening = partial(_open_experiment, tracking_uri, artifacts, study, versions or {})
        shown = f"MLflow at {showable(tracking_uri)}"
        patience = Patience(
            is_outage if sqlite_file(tracking_uri) is None else lambda _: False,
            study.resources.outage_limit,
            began=lambda exc: tell(f"{shown} does not answer: {reason_of(exc)}; training goes on, and records wait"),
            over=lambda seconds: tell(f"{shown} answers again after {seconds:.0f} s; records are written on"),
        )
        self._writing = WriteBehind(opening, self._finish, self._blame, patience)

    def trials(self, ended: Sequence[Ended]) -> None:
        """Queue the trials for writing; see `Recorder`."""
        for first in range(0, len(ended), MOST_TRIALS):
            self._ended += ended[first : first + MOST_TRIALS]
            self._writing.add(self._write_trials)

    def model(self, trial: TrialSpec, weights: Sequence[bytes], learned: Learned = NOTHING) -> None:
        """Queue a trial's weights for writing, what was learned, and the model's registration; see `Recorder`."""
        self._writing.add(lambda experiment: experiment.model(trial, weights, learned))

    def summary(self, summary: Summary) -> None:
        """Queue a summary for writing; it is left out where a later one comes before its turn."""
        self._latest = summary
        self._writing.add(partial(self._write_summary, summary))

    def close(self) -> None:
        """Wait until all is written; an SQLite file is then complete without its write-ahead log."""
        self._writing.close()

    def _write_trials(self, experiment: Experiment) -> None:
        """Write all trials that wait, up to MOST_TRIALS, in one transaction.

        `trials` queues such a job for each lot of at most MOST_TRIALS, and the first of these jobs does the work of
        those after it. Each job writes that many while any are left, so that a job which comes after a trial's own
        finds that trial written.
        """
        # one by one, for others are added meanwhile, and whoever goes through a deque then is told that it has changed
        waiting = [self._ended[place] for place in range(min(MOST_TRIALS, len(self._ended)))]
        experiment.trials(waiting)
        for _ in waiting:  # not before they are written, since the job may be done again
            self._ended.popleft()

    def _write_summary(self, summary: Summary, experiment: Experiment) -> None:
        if summary is self._latest:
            experiment.summary(summary, self._describe(summary))

    def _finish(self, experiment: Experiment) -> None:
        experiment.finish()
        if file := sqlite_file(self._uri):
            finish_sqlite(file)

    def _blame(self, exc: BaseException) -> str:
        if (file := sqlite_file(self._uri)) and (problem := broken(file)):
            return broken_records(file, problem)
        return (
            f"MLflow at {showable(self._uri)} did not take a record: {reason_of(exc)}; "
            "no result is lost: the same command goes on, and writes what is missing"
        )


def _open_experiment(
    tracking_uri: str, artifacts: Path | None, study: StudySpec, versions: Mapping[str, str]
) -> Experiment:
    set_defaults()
    # takes seconds
    from slalom.records.on_mlflow.experiment import Experiment
    from slalom.records.on_mlflow.tables import make_tables

    make_tables(tracking_uri, artifacts)
    return Experiment(tracking_uri, artifacts, study, versions)
