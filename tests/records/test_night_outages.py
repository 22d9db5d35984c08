"""An outage of MLflow's server while a night is recorded: the night's trainings are not lost, and it has one run.

Likewise the page of a study that ends.
"""

import logging
from dataclasses import replace

import pytest
from mlflow.exceptions import MlflowException

import slalom
from slalom import wiring
from slalom.errors import Infrastructure
from slalom.records.on_mlflow import MlflowNights, waiting, write_behind
from slalom.records.on_mlflow.study_record import PAGE
from slalom.study.model import Resources
from tests.cluster.studies import SPEC
from tests.support.mlflow_tables import database
from tests.support.night_samples import night
from tests.support.record_samples import runs_in, study


class Down:
    """A server that fails at these of its calls, before or after they are done."""

    def __init__(self, at, after):
        self.at, self.after, self.calls = at, after, 0

    def through(self, call):
        def called(*arguments, **options):
            self.calls += 1
            failing = self.calls in self.at
            if failing and not self.after:
                raise MlflowException("503: bad gateway")
            answer = call(*arguments, **options)
            if failing:
                raise MlflowException("503: bad gateway")
            return answer

        return called


@pytest.fixture
def recorder(tmp_path, monkeypatch):
    """Records into a file, and takes it for a server's."""
    uri = database(tmp_path)
    monkeypatch.setattr(write_behind, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(waiting, "sqlite_file", lambda _: None)
    return MlflowNights(uri, tmp_path / "artifacts", study()), uri


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", ["create_run", "log_batch", "log_text", "set_terminated"])
def test_a_night_is_recorded_once_when_the_server_is_back(call, after, recorder, monkeypatch, caplog):
    from mlflow import MlflowClient

    place, uri = recorder
    down = Down((1,), after)
    monkeypatch.setattr(MlflowClient, call, down.through(getattr(MlflowClient, call)))
    with caplog.at_level(logging.WARNING, "slalom"):
        place.night(night())
    assert "does not answer: 503: bad gateway; the record waits" in caplog.text
    assert "answers again after" in caplog.text
    (run,) = [run for run in runs_in(uri) if run.data.tags.get("slalom.kind") == "regression"]
    assert run.info.status == "FINISHED"


def test_past_the_limit_it_is_an_error(tmp_path, recorder, monkeypatch):
    from mlflow import MlflowClient

    _, uri = recorder
    place = MlflowNights(uri, tmp_path / "artifacts", replace(study(), resources=Resources(outage_limit=0.0)))
    monkeypatch.setattr(MlflowClient, "create_run", Down(range(100), after=False).through(None))
    with pytest.raises(Infrastructure, match="did not take the record"):
        place.night(night())


def test_the_page_of_a_study_that_ends_in_an_outage_is_put_when_it_is_over(tmp_path, monkeypatch):
    from mlflow import MlflowClient

    database(tmp_path / "home")
    monkeypatch.setattr(write_behind, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(waiting, "sqlite_file", lambda _: None)
    real, asked = MlflowClient.log_text, []

    def away_at_first(client, run, text, name):
        if name == PAGE and not asked:
            asked.append(name)
            raise MlflowException("503: bad gateway")
        real(client, run, text, name)

    monkeypatch.setattr(MlflowClient, "log_text", away_at_first)
    small = slalom.replace(SPEC, confirm={"seeds": 1})
    slalom.run(small, tmp_path / "home", lanes=wiring.local_lanes)
    assert asked == [PAGE]
    client = MlflowClient(f"sqlite:///{tmp_path}/home/mlflow.db")
    (experiment,) = client.search_experiments(filter_string="name = 'small'")
    (run,) = client.search_runs([experiment.experiment_id], "tags.`slalom.kind` = 'study'")
    assert PAGE in [one.path for one in client.list_artifacts(run.info.run_id)]
