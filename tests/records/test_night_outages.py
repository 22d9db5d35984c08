"""An outage of MLflow's server while a night is recorded: the night's trainings are not lost, and it has one run."""

import logging
from dataclasses import replace

import pytest
from mlflow.exceptions import MlflowException

from slalom.errors import Infrastructure
from slalom.records.on_mlflow import MlflowNights, nights, write_behind
from slalom.study.model import Resources
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
    monkeypatch.setattr(nights, "sqlite_file", lambda _: None)
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
