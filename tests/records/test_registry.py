"""Versions in MLflow's registry: one for each study and arm, whatever an earlier try left."""

from __future__ import annotations

import pytest

from slalom.errors import Infrastructure
from slalom.records.on_mlflow import MlflowRecorder
from slalom.wire.trial import Phase
from tests.records.recorded import client, record, weights_for
from tests.support.record_samples import FINGERPRINT, WORK, describe, ended, runs_in, study


def test_a_model_that_was_not_registered_yet_is_registered_by_the_next_recorder(uri, tmp_path):
    trial, weights = ended("rising", 0, Phase.CONFIRM), weights_for(WORK, tmp_path, (64,), 10)
    steps = (("trials", [trial]), ("model", trial.spec, weights))
    whole = record(uri, *steps)
    client(uri).delete_registered_model("momentum.rising")
    assert record(uri, *steps, *steps) == whole


def test_a_version_that_a_server_makes_late_does_not_stay(uri, tmp_path, monkeypatch):
    from mlflow import MlflowClient

    make = MlflowClient.create_model_version

    def twice(self, *arguments, **named):
        """As a server does that is asked again, since its first answer did not come in time."""
        make(self, *arguments, **named)
        return make(self, *arguments, **named)

    monkeypatch.setattr(MlflowClient, "create_model_version", twice)
    trial, weights = ended("rising", 0, Phase.CONFIRM), weights_for(WORK, tmp_path, (64,), 10)
    record(uri, ("trials", [trial]), ("model", trial.spec, weights))
    assert len(client(uri).search_model_versions("name='momentum.rising'")) == 1


def test_an_outage_while_a_model_is_registered_is_waited_for(uri, tmp_path, monkeypatch):
    """The store is a file, which knows no outages: it passes for a server, whose answer fails once."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    make = MlflowClient.create_model_version
    failed = []

    def late(self, *arguments, **named):
        if not failed:
            failed.append(True)
            raise MlflowException("too many 503 error responses")
        return make(self, *arguments, **named)

    monkeypatch.setattr(MlflowClient, "create_model_version", late)
    monkeypatch.setattr("slalom.records.on_mlflow.recorder.sqlite_file", lambda _: None)
    monkeypatch.setattr("slalom.records.on_mlflow.write_behind.RETRY_SECONDS", 0.0)
    trial, weights = ended("rising", 0, Phase.CONFIRM), weights_for(WORK, tmp_path, (64,), 10)
    record(uri, ("trials", [trial]), ("model", trial.spec, weights))
    assert failed
    assert len(client(uri).search_model_versions("name='momentum.rising'")) == 1


def test_every_study_of_a_name_has_a_version_of_its_own(uri, tmp_path):
    trial, weights = ended("rising", 0, Phase.CONFIRM), weights_for(WORK, tmp_path, (64,), 10)
    for fingerprint in (FINGERPRINT, FINGERPRINT[::-1]):
        recorder = MlflowRecorder(uri, tmp_path / "artifacts", study(fingerprint), describe)
        recorder.trials([trial])
        recorder.model(trial.spec, weights)
        recorder.close()
    found = {version.version: version.tags for version in client(uri).search_model_versions("name='momentum.rising'")}
    assert {number: tags["slalom.fingerprint"] for number, tags in found.items()} == {
        1: FINGERPRINT,
        2: FINGERPRINT[::-1],
    }


def test_a_store_without_a_registry_is_told_of(uri):
    from mlflow import MlflowClient

    from slalom.records.on_mlflow.registry import KeptModel, register

    kept = KeptModel(FINGERPRINT, "rising", "m-1", "r")
    with pytest.raises(Infrastructure, match=r"the model registry did not take momentum\.rising: .*not supported"):
        register(MlflowClient(uri, registry_uri="nowhere://here"), "momentum", kept)


def test_a_half_written_model_is_written_again(uri, tmp_path):
    trial, weights = ended("rising", 0, Phase.CONFIRM), weights_for(WORK, tmp_path, (64,), 10)
    record(uri, ("trials", [trial]), ("model", trial.spec, weights))
    (run,) = [run for run in runs_in(uri) if "slalom.model" in run.data.tags]
    client(uri).delete_tag(run.info.run_id, "slalom.model")
    client(uri).set_registered_model_alias("momentum.rising", "baseline", "1")
    record(uri, ("model", trial.spec, weights))
    (model,) = client(uri).search_logged_models([run.info.experiment_id])
    (run,) = [run for run in runs_in(uri) if "slalom.model" in run.data.tags]
    assert (model.source_run_id, str(model.status)) == (run.info.run_id, "READY")
    (version,) = client(uri).search_model_versions("name = 'momentum.rising'")
    assert version.tags["slalom.model"] == model.model_id
    named = client(uri).get_model_version_by_alias("momentum.rising", "baseline")
    assert named.version == version.version, "whoever loads it by the alias still finds it"
    linked = client(uri).get_run(run.info.run_id).outputs.model_outputs
    assert [output.model_id for output in linked if output.model_id == model.model_id] == [model.model_id]
