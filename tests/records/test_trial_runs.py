"""Trial runs written as rows are what MLflow's client writes by its calls."""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import RFC_4122, UUID

import pytest

from slalom.errors import Infrastructure
from slalom.records.on_mlflow import MlflowRecorder
from slalom.records.on_mlflow.recorder import MOST_TRIALS
from slalom.records.on_mlflow.trial_runs import over_server
from slalom.wire.trial import Ended, Outcome, Phase, Report
from tests.cluster.clusters import wait_for
from tests.support.mlflow_tables import database
from tests.support.record_samples import FINGERPRINT, all_ended, describe, ended, runs_in, study

TRIALS = "(SELECT run_uuid FROM tags WHERE key = 'slalom.kind' AND value = 'trial')"
TABLES = {
    **dict.fromkeys(("runs", "tags", "params", "metrics", "latest_metrics"), f"run_uuid IN {TRIALS}"),
    "inputs": f"destination_id IN {TRIALS}",
    "input_tags": f"input_uuid IN (SELECT input_uuid FROM inputs WHERE destination_id IN {TRIALS})",
    "datasets": "TRUE",
}


def with_history(trial: Ended, *metrics: dict[str, float]) -> Ended:
    history = tuple(Report(trial.spec.id, 1, epoch, found) for epoch, found in enumerate(metrics, 1))
    return replace(trial, result=replace(trial.result, history=history))


def mixture() -> list[Ended]:
    """Trials with all that a page can hold: some that the two ways could treat differently."""
    long = replace(ended(number=7).spec, settings={"note": "x" * 6000, "list": [1, 2.5, "ü"], "none": None})
    return [
        *all_ended(),
        *(ended("rising", 2 + number, outcome=outcome) for number, outcome in enumerate(Outcome)),
        ended(number=2, outcome=Outcome.FAILED, history=(), metrics={}, epochs=0, error="boom \n" * 3000),
        with_history(
            ended(number=3), {"loss": float("nan"), "b": float("inf")}, {"loss": 1.0, "b": -0.0}, {"loss": 0.5}
        ),
        # what an epoch says twice, and a number at a step that is not the last
        with_history(ended(number=4, epochs=3), {"epochs": 9.0}, {"a": 5e-324}, {"epochs": 3.0, "a": 1.7e308}),
        # steps that end at one moment: what is latest is decided by the step
        with_history(ended(number=5, started=1.7e9, ended=1.7e9), {"a": 2.0}, {"a": 1.0}),
        ended(number=6, phase=Phase.CONFIRM, started=1.7e9 + 0.9996, ended=1.7e9 + 1.9996, device=""),
        replace(ended(number=7), spec=long),
    ]


def written(folder: Path, by: str) -> str:
    """The URI of a database with the mixture in it, by rows or by calls."""
    from slalom.records.on_mlflow.experiment import Experiment, _data_input
    from slalom.records.on_mlflow.trial_runs.base import RunsInCommon
    from slalom.records.on_mlflow.trial_runs.over_server import ServerTrialRuns
    from slalom.records.on_mlflow.trial_runs.over_tables import TableTrialRuns

    uri = database(folder)
    experiment = Experiment(uri, folder / "artifacts", study())
    assert isinstance(experiment._runs, TableTrialRuns)
    if by == "calls":
        common = RunsInCommon(experiment._experiment_id, FINGERPRINT, _data_input(study()))
        experiment._runs = ServerTrialRuns(experiment._client, common)
    for trials in (mixture()[:5], mixture()):
        experiment.trials(trials)
    return uri


def rows(uri: str) -> dict[str, list[tuple[Any, ...]]]:
    """All columns of all rows of trials, with the names of things in the place of the ids that they were given."""
    file = Path(uri.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(file)) as found:
        names = {str(file.parent): "HOME", **dict(found.execute("SELECT run_uuid, name FROM runs"))}
        names |= {given: "the data" for (given,) in found.execute("SELECT dataset_uuid FROM datasets")}
        sought = "SELECT input_uuid, destination_id FROM inputs"
        names |= {given: f"an input of {names[run]}" for given, run in found.execute(sought)}
        return {
            table: sorted(
                (
                    tuple(named(cell, names) for cell in row)
                    for row in found.execute(f"SELECT * FROM {table} WHERE {which}")
                ),
                key=repr,
            )
            for table, which in TABLES.items()
        }


def named(cell: Any, names: dict[str, str]) -> Any:
    if isinstance(cell, str):
        for given, name in names.items():
            cell = cell.replace(given, name)
    return cell


def test_rows_are_what_calls_write(tmp_path):
    by_rows, by_calls = (rows(written(tmp_path / by, by)) for by in ("rows", "calls"))
    assert len(by_rows["runs"]) == len(mixture())
    for table in TABLES:
        assert by_rows[table] == by_calls[table], table


def test_ids_are_uuids_in_the_order_of_time():
    from slalom.records.on_mlflow.trial_runs.rows import new_id

    ids = []
    for _ in range(5):
        ids.append(new_id())
        time.sleep(0.002)
    assert ids == sorted(set(ids))
    assert {(len(one), UUID(one).version, UUID(one).variant) for one in ids} == {(32, 7, RFC_4122)}


def test_both_ways_find_what_is_on_record(tmp_path):
    uri = written(tmp_path, "rows")
    runs = {run.info.run_id: run for run in runs_in(uri) if run.data.tags["slalom.kind"] == "trial"}
    ways = trial_runs(uri)
    by_rows, by_calls = ({found.run_id: found.tags for found in way.found()} for way in ways)
    assert by_rows.keys() == by_calls.keys() == runs.keys()
    assert all(tags.items() <= by_calls[run_id].items() for run_id, tags in by_rows.items())
    starts = [[runs[found.run_id].info.start_time for found in way.found()] for way in ways]
    assert starts == [sorted(starts[0])] * 2


def trial_runs(uri: str) -> tuple[Any, Any]:
    """By rows, by calls."""
    from mlflow import MlflowClient

    from slalom.records.on_mlflow.experiment import _data_input
    from slalom.records.on_mlflow.trial_runs.base import RunsInCommon
    from slalom.records.on_mlflow.trial_runs.over_server import ServerTrialRuns
    from slalom.records.on_mlflow.trial_runs.over_tables import TableTrialRuns

    client = MlflowClient(uri)
    common = RunsInCommon(client.get_experiment_by_name("momentum").experiment_id, FINGERPRINT, _data_input(study()))
    return TableTrialRuns(client._tracking_client.store, common), ServerTrialRuns(client, common)


def artifacts(uri: str) -> Path:
    return Path(uri.removeprefix("sqlite:///")).parent / "artifacts"


def record(uri: str, trials: list[Ended]) -> None:
    recorder = MlflowRecorder(uri, artifacts(uri), study(), describe)
    recorder.trials(trials)
    recorder.close()


@pytest.mark.parametrize("broken", ["tags", "input_tags"])
def test_a_call_that_fails_in_its_middle_writes_nothing(tmp_path, broken):
    uri = database(tmp_path)
    record(uri, [ended()])
    before = rows(uri)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as found:
        found.execute(
            f"CREATE TRIGGER full BEFORE INSERT ON {broken} BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
    with pytest.raises(Infrastructure, match="the disk is full"):
        record(uri, all_ended())
    assert rows(uri) == before
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as found:
        found.execute("DROP TRIGGER full")
    record(uri, all_ended())
    assert len(rows(uri)["runs"]) == len(all_ended())


def test_a_name_that_mlflow_does_not_take_is_told(tmp_path):
    uri = database(tmp_path)
    with pytest.raises(Infrastructure, match="loss!"):
        record(uri, [ended(), with_history(ended(number=1), {"loss!": 1.0})])
    assert rows(uri)["runs"] == []


def test_an_experiment_deleted_in_the_middle_of_a_run_takes_no_more(tmp_path):
    from mlflow import MlflowClient

    uri = database(tmp_path)
    recorder = MlflowRecorder(uri, artifacts(uri), study(), describe)
    deadline = time.monotonic() + 240
    while not runs_in(uri) and time.monotonic() < deadline:
        time.sleep(0.05)
    client = MlflowClient(uri)
    client.delete_experiment(client.get_experiment_by_name("momentum").experiment_id)
    recorder.trials([ended()])
    with pytest.raises(Infrastructure, match="deleted"):
        recorder.close()


def test_of_two_runs_for_a_trial_the_younger_is_deleted(tmp_path):
    from mlflow import MlflowClient

    uri = written(tmp_path, "rows")
    before = rows(uri)
    trial = next(run for run in runs_in(uri) if run.data.tags["slalom.kind"] == "trial")
    client = MlflowClient(uri)
    client.set_terminated(client.create_run(trial.info.experiment_id, None, trial.data.tags).info.run_id)
    record(uri, mixture())
    active = [row for row in rows(uri)["runs"] if "active" in row]
    assert active == before["runs"]


def test_what_waits_is_written_at_once(tmp_path, monkeypatch):
    from slalom.records.on_mlflow.experiment import Experiment

    uri, sizes, write = database(tmp_path), [], Experiment.trials
    monkeypatch.setattr(Experiment, "trials", lambda one, trials: sizes.append(len(trials)) or write(one, trials))
    given = [ended(number=number) for number in range(MOST_TRIALS + 40)]
    record(uri, given)
    assert len(rows(uri)["runs"]) == sum(sizes) == len(given)
    assert max(sizes) <= MOST_TRIALS
    # MLflow is still being opened when the last of them is given
    assert len([size for size in sizes if size]) <= 3


class Growing(deque):
    """A queue to which another thread adds while this one goes through it."""

    def __iter__(self):
        for one in super().__iter__():
            self.append(one)
            yield one


def test_trials_may_be_given_while_others_are_taken_up(tmp_path):
    uri = database(tmp_path)
    recorder = MlflowRecorder(uri, artifacts(uri), study(), describe)
    recorder._ended = Growing()
    recorder.trials([ended(number=number) for number in range(3)])
    recorder.close()
    assert len(rows(uri)["runs"]) == 3


@pytest.mark.parametrize("done", ["nothing", "begun", "all"])
def test_a_batch_that_a_server_cut_off_is_written_once(
    done: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request of the batch has no answer, whether the server did what it asked or not."""
    from slalom.records.on_mlflow.experiment import Experiment, _data_input
    from slalom.records.on_mlflow.trial_runs.base import RunsInCommon, TrialRun
    from slalom.records.on_mlflow.trial_runs.over_server import ServerTrialRuns

    spec, uri = study(), database(tmp_path)
    experiment = Experiment(uri, tmp_path / "artifacts", spec)
    common = RunsInCommon(experiment._experiment_id, spec.fingerprint, _data_input(spec))
    experiment._runs = ServerTrialRuns(experiment._client, common)
    real, asked, answered = ServerTrialRuns._write, [], []

    def cut_off(self: ServerTrialRuns, run: TrialRun) -> str:
        asked.append(run)
        try:
            if len(asked) == 2:
                if done == "all":
                    real(self, run)
                if done == "begun":
                    self._client.create_run(self._common.experiment, run.started, dict(run.tags), run.name)
                raise TimeoutError("no answer")
            return real(self, run)
        finally:
            answered.append(run)

    monkeypatch.setattr(over_server, "IN_FLIGHT", 1)
    monkeypatch.setattr(ServerTrialRuns, "_write", cut_off)
    trials = [ended(number=number) for number in range(4)]
    with pytest.raises(TimeoutError):
        experiment.trials(trials)
    time.sleep(0.5)  # a request that the pool had begun; the recorder tries again after longer
    assert wait_for(lambda: len(answered) == len(asked))
    experiment.trials(trials)
    experiment.sweep()
    found = [*experiment._search("tags.`slalom.kind` = 'trial'")]
    names = [run.info.run_name for run in found]
    assert {run.info.status for run in found} == {"FINISHED"}
    assert len(names) == len(set(names)) == 4
