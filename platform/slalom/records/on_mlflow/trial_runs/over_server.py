"""Trial runs through MLflow's client, several in flight: what a tracking server takes."""

from __future__ import annotations

from multiprocessing.pool import ThreadPool
from typing import TYPE_CHECKING

from mlflow.entities import Param

from slalom.records.on_mlflow.search import search
from slalom.records.on_mlflow.trial_runs.base import Found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlflow import MlflowClient

    from slalom.records.on_mlflow.trial_runs.base import Shelf, TrialRun

IN_FLIGHT = 8
"""Runs written at the same time; MLflow's client keeps ten connections."""


class ServerTrialRuns:
    """Four requests for a run, which is as few as the server's interface has: it takes no run as a whole."""

    def __init__(self, client: MlflowClient, shelf: Shelf) -> None:
        self._client = client
        self._shelf = shelf

    def found(self) -> list[Found]:
        """The runs on record, oldest first."""
        runs = search(self._client, self._shelf.experiment, self._shelf.fingerprint, "tags.`slalom.kind` = 'trial'")
        return [Found(run.info.run_id, run.data.tags) for run in runs]

    def write(self, runs: Sequence[TrialRun]) -> list[str]:
        """Write runs; one is finished last of all, so that one which was cut off is a running one."""
        # Its threads keep no process from its end, and the first failure drops what has not begun.
        with ThreadPool(min(IN_FLIGHT, len(runs))) as pool:
            return list(pool.imap(self._write, runs))

    def _write(self, run: TrialRun) -> str:
        tags = dict(run.tags)
        run_id: str = self._client.create_run(self._shelf.experiment, run.started, tags, run.name).info.run_id
        params = [Param(name, value) for name, value in run.params.items()]
        self._client.log_batch(run_id, metrics=run.metrics, params=params, synchronous=True)
        self._client.log_inputs(run_id, [self._shelf.data])
        self._client.set_terminated(run_id, run.status, run.ended)
        return run_id
