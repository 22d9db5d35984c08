"""Trial runs as rows of MLflow's tables, many in one transaction: the way into a database without a server.

MLflow itself writes a run by ten transactions over its objects. Here MLflow's models give the tables' columns, and
MLflow's own validation checks the values. The rows are those that MLflow would write
(`tests/records/test_trial_runs.py`).
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from mlflow.entities import LifecycleStage, Metric
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.dbmodels import models
from sqlalchemy import insert, select
from sqlalchemy.exc import SQLAlchemyError

from slalom.database import of_other_tables, reason_of
from slalom.records.on_mlflow.trial_runs import rows as rows
from slalom.records.on_mlflow.trial_runs.base import FINGERPRINT, KIND, MODEL, PARENT, RecordedRun, TrialRun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy.engine import Connection

    from slalom.records.on_mlflow.trial_runs.base import RunsInCommon

SOUGHT = (KIND, "slalom.arm", "slalom.search", "slalom.phase", "slalom.trial", PARENT, MODEL)

PARTS = {
    models.SqlTag: rows.tag_rows,
    models.SqlParam: rows.param_rows,
    models.SqlMetric: rows.metric_rows,
    models.SqlLatestMetric: rows.latest_metric_rows,
}


class TableTrialRuns:
    """`TrialRuns` by one transaction a call: all runs of a call are written, or none."""

    def __init__(self, store: SqlAlchemyStore, common: RunsInCommon) -> None:
        self._engine = store.engine
        self._experiment = int(common.experiment)
        self._fingerprint = common.fingerprint
        self._data = common.data

    def found(self) -> list[RecordedRun]:
        """See `TrialRuns`; one query."""
        # the columns of MLflow's models have no types
        run: Any = models.SqlRun
        tag: Any = models.SqlTag
        mine = select(tag.run_uuid).where(tag.key == FINGERPRINT, tag.value == self._fingerprint)
        sought = (
            select(run.run_uuid, tag.key, tag.value)
            .join(tag, tag.run_uuid == run.run_uuid)
            .where(run.experiment_id == self._experiment, run.lifecycle_stage == LifecycleStage.ACTIVE)
            .where(run.run_uuid.in_(mine), tag.key.in_(SOUGHT))
            .order_by(run.start_time, run.run_uuid)
        )
        with self._engine.connect() as connection:
            by_run = groupby(connection.execute(sought), key=itemgetter(0))
            found = [RecordedRun(run_id, {name: value for _, name, value in tags}) for run_id, tags in by_run]
        return [run for run in found if run.tags[KIND] == "trial"]

    def write(self, runs: Sequence[TrialRun]) -> list[str]:
        """See `TrialRuns`; MlflowException for a value that MLflow does not take, such as a metric's name."""
        named = [(rows.new_id(), rows.valid(run)) for run in runs]
        with self._engine.begin() as connection:
            self._write(connection, named)
        return [run_id for run_id, _ in named]

    def misfit(self) -> str | None:
        """Why runs cannot be written as rows, found by one that is rolled back; None where they can."""
        run = TrialRun("probe", "FINISHED", 0, 0, {"probe": "1"}, {"probe": "1"}, [Metric("probe", 1.0, 0, 1)])
        try:
            with self._engine.connect() as connection:
                self._write(connection, [(rows.new_id(), rows.valid(run))])
                connection.rollback()
        except SQLAlchemyError as exc:
            if not of_other_tables(exc):
                raise
            return reason_of(exc)
        return None

    def _write(self, connection: Connection, named: Sequence[tuple[str, TrialRun]]) -> None:
        """Write runs by their ids, in the connection's transaction."""
        _hasten(connection)
        artifacts, data_id = self._artifacts(connection), self._data_id(connection)
        _insert(connection, models.SqlRun, [rows.run_row(*run, self._experiment, artifacts) for run in named])
        for model, part in PARTS.items():
            _insert(connection, model, [row for run in named for row in part(*run)])
        self._give_data(connection, data_id, [run_id for run_id, _ in named])

    def _artifacts(self, connection: Connection) -> str:
        one: Any = models.SqlExperiment
        sought = select(one.artifact_location, one.lifecycle_stage).where(one.experiment_id == self._experiment)
        place, stage = connection.execute(sought).one()
        if stage != LifecycleStage.ACTIVE:
            raise MlflowException(f"the experiment {self._experiment} was deleted")
        return str(place)

    def _data_id(self, connection: Connection) -> str:
        one: Any = models.SqlDataset
        data = self._data.dataset
        sought = select(one.dataset_uuid).where(
            one.experiment_id == self._experiment, one.name == data.name, one.digest == data.digest
        )
        return str(connection.execute(sought).scalar_one())

    def _give_data(self, connection: Connection, data_id: str, run_ids: Sequence[str]) -> None:
        inputs = {rows.new_id(): run_id for run_id in run_ids}
        edges = [rows.input_row(input_id, run_id, data_id) for input_id, run_id in inputs.items()]
        _insert(connection, models.SqlInput, edges)
        tags = [row for input_id in inputs for row in rows.input_tag_rows(input_id, self._data)]
        _insert(connection, models.SqlInputTag, tags)


def _insert(connection: Connection, model: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:  # SQLAlchemy takes no rows for one of defaults
        connection.execute(insert(model.__table__), rows)


def _hasten(connection: Connection) -> None:
    """Have SQLite not wait for the disk at each commit: runs that a power cut takes are written again from Optuna's."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA synchronous=NORMAL")
        # as MLflow's own transactions have it
        connection.exec_driver_sql("PRAGMA busy_timeout=20000")
