"""The protocol by which a study's trials are written as MLflow runs, many at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlflow.entities import DatasetInput, Metric

FINGERPRINT = "slalom.fingerprint"
KIND = "slalom.kind"
PARENT = "mlflow.parentRunId"
MODEL = "slalom.model"


class RunsInCommon(NamedTuple):
    """What a study's trial runs have in common.

    experiment: the id of the study's MLflow experiment
    data: the data set, which the store knows already, as an input of the study's run
    """

    experiment: str
    fingerprint: str
    data: DatasetInput


@dataclass(frozen=True)
class TrialRun:
    """All that the run of a trial shows. Times are milliseconds since the epoch."""

    name: str
    status: str
    started: int
    ended: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Sequence[Metric]


class RecordedRun(NamedTuple):
    """A run of a trial that MLflow has.

    tags: at least those that say which trial it is, its parent's and its model's
    """

    run_id: str
    tags: Mapping[str, str]


class TrialRuns(Protocol):
    """The MLflow runs of one study's trials.

    One thread alone calls these methods, the recorder's. The exceptions of MLflow, SQLAlchemy and the network pass
    through: the recorder turns them into Infrastructure.
    """

    def found(self) -> list[RecordedRun]:
        """Return the runs of the study's trials that MLflow has and that were not deleted, oldest first."""
        ...

    def write(self, runs: Sequence[TrialRun]) -> list[str]:
        """Write the runs of trials that ended, and return the runs' ids in the same order.

        The caller makes sure that MLflow has no run of these trials. Where the call fails, or the process is killed,
        each run is there as a whole, or not at all, or with the status RUNNING, by which it is found and deleted.
        """
        ...
