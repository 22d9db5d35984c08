"""Trial runs through MLflow's client, several at the same time: the way over a tracking server."""

from __future__ import annotations

from multiprocessing.pool import ThreadPool
from typing import TYPE_CHECKING

from mlflow.entities import Param

from slalom.records.on_mlflow.search import search
from slalom.records.on_mlflow.trial_runs.base import RecordedRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlflow import MlflowClient

    from slalom.records.on_mlflow.trial_runs.base import RunsInCommon, TrialRun

IN_FLIGHT = 8
"""The most runs that are written at the same time; MLflow's client keeps ten connections."""


class ServerTrialRuns:
    """`TrialRuns` by four requests for each run, the fewest: a tracking server has no request for a whole run."""

    def __init__(self, client: MlflowClient, common: RunsInCommon) -> None:
        self._client = client
        self._common = common

    def found(self) -> list[RecordedRun]:
        """See `TrialRuns`."""
        runs = search(self._client, self._common.experiment, self._common.fingerprint, "tags.`slalom.kind` = 'trial'")
        return [RecordedRun(run.info.run_id, run.data.tags) for run in runs]

    def write(self, runs: Sequence[TrialRun]) -> list[str]:
        """See `TrialRuns`; the last request sets a run's status, so a run that was cut off has the status RUNNING."""
        # The pool's threads do not keep the process alive, and after the first failure no further run is begun.
        with ThreadPool(min(IN_FLIGHT, len(runs))) as pool:
            return list(pool.imap(self._write, runs))

    def _write(self, run: TrialRun) -> str:
        tags = dict(run.tags)
        run_id: str = self._client.create_run(self._common.experiment, run.started, tags, run.name).info.run_id
        params = [Param(name, value) for name, value in run.params.items()]
        self._client.log_batch(run_id, metrics=run.metrics, params=params, synchronous=True)
        self._client.log_inputs(run_id, [self._common.data])
        self._client.set_terminated(run_id, run.status, run.ended)
        return run_id
