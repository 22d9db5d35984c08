"""The runs of a study's trials, written whole and many at once: over a database's tables, or over a server."""

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


class Shelf(NamedTuple):
    """What a study's trial runs have in common.

    experiment: its id
    data: the data set, which is an input of the study's run already
    """

    experiment: str
    fingerprint: str
    data: DatasetInput


@dataclass(frozen=True)
class TrialRun:
    """All that a trial's run shows; times in milliseconds since the epoch."""

    name: str
    status: str
    started: int
    ended: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Sequence[Metric]


class Found(NamedTuple):
    """A trial's run on record, with its tags: those by which it is found, its parent and its model at least."""

    run_id: str
    tags: Mapping[str, str]


class TrialRuns(Protocol):
    """One study's trial runs in MLflow; used by one thread. Vendors' errors pass through."""

    def found(self) -> list[Found]:
        """The runs on record, oldest first."""
        ...

    def write(self, runs: Sequence[TrialRun]) -> list[str]:
        """Write finished runs, none of which is on record, and give their ids.

        A run that was cut off is on record as a running one, if at all.
        """
        ...
