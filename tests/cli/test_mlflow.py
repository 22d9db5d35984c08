"""A study's records as MLflow's users know them: found, loaded, deleted and restored by MLflow's own interface."""

import json
import math

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient

import slalom
from slalom import wiring
from slalom.home import Home
from slalom.loop.notes import Note
from slalom_worker.tasks import open_task
from slalom_worker.tasks.parts import draw, own_parts
from tests.cli.studies import copied, here
from tests.support.record_samples import load_model, runs_in


@pytest.fixture(scope="module")
def study(finished):
    """The study that has run, and what it found."""
    return slalom.show(finished[0] / "small.yaml", finished[0] / "home")


@pytest.fixture
def uri(study):
    yield study.home.tracking_uri
    mlflow.set_tracking_uri(None)


PLACE = ("arm", "search", "phase", "trial")

CONDITIONS = {
    "tags.slalom.kind = 'trial'": lambda trial: True,
    "tags.slalom.arm = 'adam' AND tags.slalom.phase = 'confirm'": lambda trial: (
        (trial.spec.id.arm, trial.spec.id.phase) == ("adam", "confirm")
    ),
    "tags.slalom.phase = 'tune' AND tags.slalom.search = '2'": lambda trial: (
        (trial.spec.id.phase, trial.spec.id.search) == ("tune", 2)
    ),
    "metrics.`test.error` < 0.5": lambda trial: trial.result.metrics.get("test.error", 1.0) < 0.5,
    "tags.slalom.outcome = 'pruned'": lambda trial: trial.result.outcome == "pruned",
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_trials_are_found_by_what_they_are(condition, study, uri):
    mlflow.set_tracking_uri(uri)
    found = mlflow.search_runs(experiment_names=["small"], filter_string=condition)
    wanted = {tuple(map(str, _place(trial))): one for trial, one in study.ended.items() if CONDITIONS[condition](one)}
    assert len(found) == len(wanted) > 0
    for _, row in found.iterrows():
        one = wanted.pop(tuple(row[f"tags.slalom.{name}"] for name in PLACE))
        error = one.result.metrics.get("validation.error", math.nan)
        assert row["metrics.validation.error"] == pytest.approx(error, rel=0, nan_ok=True)
        assert float(row["params.learning_rate"]) == one.spec.params["learning_rate"]


def _place(trial):
    return trial.arm, trial.search, trial.phase, trial.number


def test_a_kept_model_has_the_test_error_that_its_trial_shows(study, uri):
    mlflow.set_tracking_uri(uri)
    task = open_task(study.spec.task, study.spec.folder)
    data = task.load().pooled()
    for arm in study.arms:
        model = load_model(uri, f"models:/small.{arm.name}/1")
        run = MlflowClient(uri).get_run(model.metadata.run_id)
        split = study.spec.split(int(run.data.tags["slalom.search"]))
        test = draw(task, data.pool, own_parts(data), split).test.split()
        wrong = np.mean(model.predict(test.inputs).argmax(axis=1) != test.labels)
        assert (run.data.tags["slalom.arm"], run.data.tags["slalom.phase"]) == (arm.name, "confirm")
        assert wrong == pytest.approx(run.data.metrics["test.error"], abs=1e-6)


@pytest.mark.thorough
def test_what_is_deleted_comes_back_by_a_rebuild_and_what_is_restored_then_has_no_double(
    finished, tmp_path, monkeypatch
):
    copied(finished[0], tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(wiring, "ray_lanes", lambda spec, address=None: wiring.local_lanes(spec))
    place = Home(tmp_path / "home")
    # as of a home that was never moved
    wiring.store(slalom.load("small.yaml"), place).note(Note.RECORDED, [place.shown()["tracking_uri"]])
    client, all_runs = MlflowClient(place.tracking_uri), len(runs_in(place.tracking_uri, "small"))

    def answered():
        shown = json.loads(here("show", "small.yaml", "--home", "home", "--json").stdout)
        return shown["arms"], shown["verdict"]

    def runs():
        return len(runs_in(place.tracking_uri, "small"))

    deleted = [
        next(run for run in runs_in(place.tracking_uri, "small") if condition(run.data.tags)).info.run_id
        for condition in (
            lambda tags: tags.get("slalom.phase") == "tune",
            lambda tags: "slalom.model" in tags,
            lambda tags: (tags["slalom.kind"], tags.get("slalom.arm")) == ("arm", "adam"),
        )
    ]
    for run in deleted:
        client.delete_run(run)
    answer = answered()
    assert here("run", "small.yaml", "--home", "home").returncode == 0
    assert runs() == all_runs - len(deleted), "a finished study is only looked at"
    assert here("records", "rebuild", "small.yaml", "--home", "home").returncode == 0
    assert runs() == all_runs
    for run in deleted:
        client.restore_run(run)
    assert runs() == all_runs + len(deleted)
    assert here("records", "rebuild", "small.yaml", "--home", "home").returncode == 0
    assert runs() == all_runs
    assert answered() == answer
    for arm in ("sgd", "adam"):
        (version,) = client.search_model_versions(f"name = 'small.{arm}'")
        assert load_model(place.tracking_uri, f"models:/small.{arm}/{version.version}")
