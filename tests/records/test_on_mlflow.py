"""What is particular to MLflow: the layout of its runs, its models, its ways to fail."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch

from slalom.errors import Infrastructure, InputError
from slalom.records.on_mlflow import MlflowRecorder
from slalom.records.on_mlflow.address import check, hide_passwords
from slalom.records.on_mlflow.pages.trial import MOST_POINTS, trial_page
from slalom.records.on_mlflow.write_behind import ROOM, WriteBehind
from slalom.verdict.summary import State
from slalom.wire.trial import Outcome, Phase, Report, TrialId, Work
from slalom_worker.net.modules import build_module, weights_of
from slalom_worker.serving import freeze
from slalom_worker.tasks import open_task
from tests.support.programs import stand_in
from tests.support.record_samples import (
    FINGERPRINT,
    SETTINGS,
    WORK,
    all_ended,
    database,
    describe,
    ended,
    load_model,
    runs_in,
    shown_in,
    study,
    summary,
    tuning_summary,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return database(tmp_path)


def record(uri: str, *calls: tuple[str, Any], **changes: Any) -> dict[tuple[str, ...], dict[str, Any]]:
    """Makes the calls on a new recorder, and gives what is shown then."""
    recorder = MlflowRecorder(
        uri, Path(uri.removeprefix("sqlite:///")).parent / "artifacts", study(**changes), describe
    )
    for name, *values in calls:
        getattr(recorder, name)(*values)
    recorder.close()
    return shown_in(uri)


def client(uri: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(uri)


def test_layout(uri):
    shown = record(uri, ("trials", all_ended()), ("summary", summary()))
    assert sorted(shown) == sorted(
        [("momentum",)]
        + [("momentum", arm) for arm in ("constant", "rising")]
        + [
            ("momentum", arm, f"{arm} {phase} {number}")
            for arm in ("constant", "rising")
            for phase in ("tune", "confirm")
            for number in (0, 1)
        ]
    )
    experiment = client(uri).get_experiment_by_name("momentum")
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    top = shown["momentum",]
    assert top["tags"]["mlflow.note.content"] == "**rising beats constant.**"
    assert top["tags"]["slalom.question"] == "Does a rising momentum help?"
    assert top["params"]["compare.baseline"] == "constant"
    assert top["history"]["slot_utilisation"] == [(8, 0.9)]
    assert top["files"] == ["study.yaml"]
    assert top["status"] == "FINISHED"


def test_an_arm_shows_its_result(uri):
    arm = record(uri, ("summary", summary()))["momentum", "rising"]
    numbers = {name: points[-1][1] for name, points in arm["history"].items()}
    assert {name: numbers[name] for name in ("confirm.mean", "confirm.low", "difference.p", "tuning.best")} == {
        "confirm.mean": 0.125,
        "confirm.low": 0.1,
        "difference.p": 0.01,
        "tuning.best": 0.125,
    }
    assert arm["params"]["learning_rate"] == "1.1"
    assert arm["params"]["momentum.schedule"] == "gradient_norm"
    assert arm["tags"]["mlflow.note.content"] == (
        "Test error 0.125 [0.100, 0.150] over 2 seeds; -0.020 [-0.030, -0.010] against constant, p = 0.01."
    )


def test_a_trial_shows_its_history(uri):
    shown = record(uri, ("trials", [ended("rising", 1, Phase.CONFIRM)]))
    trial = shown["momentum", "rising", "rising confirm 1"]
    assert trial["history"]["train.loss"] == [(epoch, 1 / epoch) for epoch in (1, 2, 3, 4)]
    assert trial["history"]["test.error"] == [(4, 0.125)]
    assert trial["data"] == [("digits", "d" * 16)]
    expected = {"learning_rate": "1.1", "momentum.end": "0.9", "model": "mlp", "model.hidden": "[8]", "epochs": "4"}
    assert expected.items() <= trial["params"].items()
    tags = {"slalom.arm": "rising", "slalom.phase": "confirm", "slalom.trial": "1", "slalom.attempt": "1"}
    tags |= {"slalom.fingerprint": FINGERPRINT, "slalom.outcome": "complete", "slalom.lane": "lane-0"}
    assert tags.items() <= trial["tags"].items()
    (run,) = [run for run in runs_in(uri) if run.info.run_name == "rising confirm 1"]
    assert (run.info.start_time, run.info.end_time) == (1_700_000_001_000, 1_700_000_009_000)
    assert [point.timestamp for point in client(uri).get_metric_history(run.info.run_id, "train.loss")] == [
        1_700_000_003_000,
        1_700_000_005_000,
        1_700_000_007_000,
        1_700_000_009_000,
    ]


def test_outcomes(uri):
    trials = [ended(number=number, outcome=outcome) for number, outcome in enumerate(Outcome)]
    shown = record(uri, ("trials", trials[:3]), ("trials", [ended(number=3, outcome=Outcome.FAILED, error="boom")]))
    runs = [shown["momentum", "constant", f"constant tune {number}"] for number in range(4)]
    assert [run["status"] for run in runs] == ["FINISHED", "FINISHED", "FAILED", "FAILED"]
    assert [run["tags"]["slalom.outcome"] for run in runs] == list(Outcome)
    assert runs[3]["tags"]["slalom.error"] == "boom"


def test_numbers_that_are_not_finite_are_left_out():
    history = (Report(TrialId("constant", Phase.TUNE, 0), 1, 1, {"loss": 2.0, "norm": float("inf")}),)
    trial = ended(outcome=Outcome.DIVERGED, epochs=2, history=history, metrics={"loss": float("nan")})
    points = trial_page(FINGERPRINT, trial).points
    assert [point[:3] for point in points] == [("loss", 2.0, 1), ("epochs", 2.0, 2)]


def test_a_long_history_fits_one_request():
    trial_id = TrialId("constant", Phase.TUNE, 0)
    history = tuple(Report(trial_id, 1, epoch, {"a": 1.0 * epoch, "b": 0.0, "c": 0.0}) for epoch in range(1, 4001))
    points = trial_page(FINGERPRINT, ended(epochs=4000, history=history, metrics=history[-1].metrics)).points
    steps = [point.step for point in points if point.name == "a"]
    assert len(points) <= MOST_POINTS
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (1, 4000)
    assert len(steps) > 300


def test_a_half_written_trial_is_written_again(uri):
    whole = record(uri, ("trials", [ended()]))
    (run,) = [run for run in runs_in(uri) if run.info.run_name == "constant tune 0"]
    client(uri).update_run(run.info.run_id, status="RUNNING")
    assert record(uri, ("trials", [ended(lane="other")])) != whole
    assert record(uri) == record(uri, ("trials", [ended(lane="third")]))


def test_a_study_run_goes_from_running_over_killed_to_finished(uri):
    states = [
        record(uri, ("summary", found))["momentum",]["status"]
        for found in (tuning_summary(), summary(State.INTERRUPTED), tuning_summary(2), summary())
    ]
    assert states == ["RUNNING", "KILLED", "RUNNING", "FINISHED"]


def test_a_number_is_drawn_against_the_trials_that_ended(uri):
    shown = record(uri, ("summary", tuning_summary(1)), ("trials", all_ended()))
    shown = record(uri, ("summary", tuning_summary(2)), ("summary", tuning_summary(2)))
    assert shown["momentum", "rising"]["history"]["tuning.trials"] == [(1, 1.0), (2, 2.0)]
    assert shown["momentum", "rising"]["history"]["tuning.best"] == [(1, 0.5)]


def test_a_summary_is_skipped_when_a_later_one_waits(uri, tmp_path):
    described = []
    recorder = MlflowRecorder(uri, tmp_path / "artifacts", study(), lambda found: described.append(found) or "")
    # MLflow is still being opened when the last of these is given
    for _ in range(50):
        recorder.summary(tuning_summary())
    recorder.summary(last := summary())
    recorder.close()
    assert described[-1] is last
    assert len(described) < 51


def test_a_deleted_experiment_comes_back(uri):
    whole = record(uri, ("trials", all_ended()), ("summary", summary()))
    client(uri).delete_experiment(client(uri).get_experiment_by_name("momentum").experiment_id)
    assert runs_in(uri) == []
    assert record(uri, ("trials", all_ended()), ("summary", summary())) == whole


def test_a_deleted_study_run_leaves_no_orphans(uri):
    whole = record(uri, ("trials", all_ended()), ("summary", summary()))
    for run in runs_in(uri):
        if run.info.run_name in {"momentum", "rising"}:
            client(uri).delete_run(run.info.run_id)
    assert record(uri, ("summary", summary())) == whole


def weights_for(
    work: Work, folder: Path, shape: tuple[int, ...], classes: int, seeds: Sequence[int] = (3,)
) -> list[bytes]:
    task, data = open_task(work.task, folder), stand_in(shape, classes)
    return [freeze(weights_of(build_module(work, data, task, seed)), data) for seed in seeds]


def load(uri: str, kind: str) -> Any:
    (run,) = [run for run in runs_in(uri) if "slalom.model" in run.data.tags]
    places = {
        "models": f"models:/{run.data.tags['slalom.model']}",
        "runs": f"runs:/{run.info.run_id}/model",
        "registry": "models:/momentum.rising/1",
    }
    return load_model(uri, places[kind])


@pytest.mark.parametrize("kind", ["models", "runs", "registry"])
def test_a_model_loads_and_predicts(uri, tmp_path, kind):
    trial = ended("rising", 0, Phase.CONFIRM)
    weights = weights_for(WORK, tmp_path, (64,), 10)
    shown = record(uri, ("trials", [trial]), ("model", trial.spec, weights))
    page = shown["momentum", "rising", "rising confirm 0"]
    assert (page["files"], page["registered"]) == (["members"], [("momentum.rising", 1)])
    model = load(uri, kind)
    inputs = np.random.default_rng(0).random((5, 64), dtype=np.float32)
    found = model.predict(inputs)
    module = build_module(WORK, stand_in((64,), 10), open_task(WORK.task, tmp_path), seed=3)
    expected = module(torch.as_tensor(inputs)).softmax(1).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(model.predict(pd.DataFrame(inputs)), expected, rtol=1e-6)
    assert model.metadata.get_input_schema().inputs[0].shape == (-1, 64)


@pytest.mark.parametrize("combine", ["mean", "vote"])
def test_an_ensemble_is_a_registered_model_that_says_what_its_members_say(uri, tmp_path, combine):
    chosen = {**SETTINGS, "ensemble": {"combine": combine, "members": 3, "bagging": True}}
    trial = ended("rising", 0, Phase.CONFIRM, settings=chosen)
    seeds = (3, 4, 5)
    record(uri, ("trials", [trial]), ("model", trial.spec, weights_for(WORK, tmp_path, (64,), 10, seeds)))
    (run,) = [run for run in runs_in(uri) if "slalom.model" in run.data.tags]
    files = [file.path for file in client(uri).list_artifacts(run.info.run_id, "members")]
    assert sorted(files) == [f"members/0{m}.safetensors" for m in range(3)]
    inputs = np.random.default_rng(0).random((50, 64), dtype=np.float32)
    modules = [build_module(WORK, stand_in((64,), 10), open_task(WORK.task, tmp_path), seed) for seed in seeds]
    each = np.stack([module(torch.as_tensor(inputs)).softmax(1).detach().numpy() for module in modules])
    expected = each.mean(0) if combine == "mean" else np.eye(10)[each.argmax(-1)].mean(0)
    np.testing.assert_allclose(load(uri, "registry").predict(inputs), expected, rtol=1e-6)


def test_members_beyond_a_hundred_keep_their_order(uri, tmp_path):
    chosen = {**SETTINGS, "ensemble": {"combine": "mean", "members": 101, "bagging": False}}
    trial, small = ended("rising", 0, Phase.CONFIRM, settings=chosen), {"1.weight": torch.zeros(2, 3)}
    record(uri, ("trials", [trial]), ("model", trial.spec, [freeze(small, stand_in((3,), 2))] * 101))
    (run,) = [run for run in runs_in(uri) if "slalom.model" in run.data.tags]
    files = sorted(file.path for file in client(uri).list_artifacts(run.info.run_id, "members"))
    assert (files[0], files[-1]) == ("members/000.safetensors", "members/100.safetensors")


def test_a_model_that_was_not_registered_yet_is_registered_by_the_next_recorder(uri, tmp_path):
    trial, weights = ended("rising", 0, Phase.CONFIRM), weights_for(WORK, tmp_path, (64,), 10)
    steps = (("trials", [trial]), ("model", trial.spec, weights))
    whole = record(uri, *steps)
    client(uri).delete_registered_model("momentum.rising")
    assert record(uri, *steps, *steps) == whole


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

    from slalom.records.on_mlflow.registry import Kept, register

    with pytest.raises(Infrastructure, match=r"the model registry did not take momentum\.rising: .*not supported"):
        register(MlflowClient(uri, registry_uri="nowhere://here"), "momentum", Kept(FINGERPRINT, "rising", "m-1", "r"))


def test_a_model_of_a_users_own_task_takes_the_task_along(uri, tmp_path):
    file = tmp_path / "studies" / "cats.py"
    file.parent.mkdir()
    file.write_text(
        "import torch\n"
        "class Cats:\n"
        "    def load(self): raise RuntimeError('the data is elsewhere')\n"
        "    def model(self, width): return torch.nn.Sequential(torch.nn.Linear(3, width), torch.nn.Linear(width, 2))\n"
    )
    work = Work({"name": "studies/cats.py:Cats"}, {"width": 4}, 8, "float64")
    weights = weights_for(work, tmp_path, (3,), 2)
    trial = ended("rising", 0, Phase.CONFIRM, work=work)
    record(uri, ("trials", [trial]), ("model", trial.spec, weights), work=work, task_file=file)
    file.unlink()
    found = load(uri, "models").predict(np.zeros((2, 3), np.float32))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_a_half_written_model_is_written_again(uri, tmp_path):
    trial, weights = ended("rising", 0, Phase.CONFIRM), weights_for(WORK, tmp_path, (64,), 10)
    record(uri, ("trials", [trial]), ("model", trial.spec, weights))
    (run,) = [run for run in runs_in(uri) if "slalom.model" in run.data.tags]
    client(uri).delete_tag(run.info.run_id, "slalom.model")
    record(uri, ("model", trial.spec, weights))
    (model,) = client(uri).search_logged_models([run.info.experiment_id])
    (run,) = [run for run in runs_in(uri) if "slalom.model" in run.data.tags]
    assert (model.source_run_id, str(model.status)) == (run.info.run_id, "READY")
    (version,) = client(uri).search_model_versions("name = 'momentum.rising'")
    assert version.tags["slalom.model"] == model.model_id
    linked = client(uri).get_run(run.info.run_id).outputs.model_outputs
    assert [output.model_id for output in linked if output.model_id == model.model_id] == [model.model_id]


def test_weights_of_another_model_are_refused(uri, tmp_path):
    trial = ended("rising", 0, Phase.CONFIRM)
    record(
        uri, ("trials", [trial]), ("model", trial.spec, [freeze({"1.weight": torch.zeros(2, 3)}, stand_in((64,), 10))])
    )
    with pytest.raises(InputError, match="weights must be those of"):
        load(uri, "models")


def test_a_server_that_is_not_there_is_told_at_once():
    begun = time.monotonic()
    with pytest.raises(Infrastructure, match=r"MLflow does not answer at http://ada:\*\*\*@127\.0\.0\.1:9/x") as caught:
        MlflowRecorder("http://ada:secret@127.0.0.1:9/x", None, study(), describe)
    assert time.monotonic() - begun < 10
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)


def test_a_database_that_is_not_there_is_told_at_once():
    with pytest.raises(Infrastructure, match="start it, or leave out --tracking-uri"):
        check("postgresql+psycopg2://ada:secret@127.0.0.1:9/mlflow")


@pytest.mark.parametrize("given", ["mlruns", "file:///mlruns", "sqlite://"])
def test_a_uri_that_no_server_stands_behind_is_refused(given):
    with pytest.raises(InputError, match="tracking URI must"):
        check(given)


def test_a_file_that_is_no_database_is_told_at_once(tmp_path):
    (tmp_path / "mlflow.db").write_text("something else, and long enough to be read as a header" * 10)
    with pytest.raises(Infrastructure, match="not a database"):
        check(f"sqlite:///{tmp_path}/mlflow.db")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://ada:pass/word@host/db", "postgresql://ada:***@host/db"),
        (
            "postgresql://host/db?user=ada&password=x&sslmode=on",
            "postgresql://host/db?user=ada&password=***&sslmode=on",
        ),
        ("http://host:5000/path", "http://host:5000/path"),
        ("sqlite:////home/ada/mlflow.db", "sqlite:////home/ada/mlflow.db"),
    ],
)
def test_passwords_are_hidden(given, shown):
    assert hide_passwords(given) == shown


def test_what_cannot_be_written_is_raised_by_the_next_call(uri, tmp_path):
    recorder = MlflowRecorder(uri, tmp_path, study(), describe)
    recorder.trials([ended()])
    deadline = time.monotonic() + 60
    while not any(run.info.run_name == "constant tune 0" for run in runs_in(uri)) and time.monotonic() < deadline:
        time.sleep(0.05)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.execute("DROP TABLE params")
    recorder.trials([ended(number=1)])
    with pytest.raises(Infrastructure, match="no result is lost: the same command goes on"):
        recorder.close()
    with pytest.raises(Infrastructure, match="did not take a record"):
        recorder.trials([ended(number=2)])


def test_who_waits_for_room_is_not_kept_by_a_failure():
    go = threading.Event()

    def make() -> None:
        go.wait()
        raise ValueError("no")

    writing = WriteBehind(make, lambda _: None, str)

    def give() -> None:
        with suppress(Infrastructure):
            for _ in range(ROOM + 10):
                writing.add(lambda _: None)

    giver = threading.Thread(target=give, daemon=True)
    giver.start()
    time.sleep(0.2)
    go.set()
    giver.join(timeout=10)
    assert not giver.is_alive()
    with pytest.raises(Infrastructure, match="no"):
        writing.close()


QUIET = """
import sys
from pathlib import Path
from tests.support.programs import stand_in
from tests.support.record_samples import *
from slalom.records import InMemoryRecorder
from slalom.records.on_mlflow import MlflowRecorder
from slalom_worker.serving import freeze
import torch
assert "mlflow" not in sys.modules
recorder = MlflowRecorder("sqlite:///home/mlflow.db", Path("home/artifacts"), study(), describe)
recorder.trials(all_ended())
recorder.model(all_ended()[-1].spec, [freeze({"1.weight": torch.zeros(2, 3)}, stand_in((3,), 2))])
recorder.summary(summary())
recorder.close()
"""


def test_mlflow_says_nothing_and_leaves_nothing_about(tmp_path):
    done = python(QUIET, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert "mlflow.db-wal" not in {path.name for path in (tmp_path / "home").iterdir() if path.stat().st_size}


def test_a_recorder_that_is_never_closed_keeps_no_process(tmp_path):
    done = python(QUIET.replace("recorder.close()", ""), tmp_path)
    assert done.returncode == 0


def python(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
    return subprocess.run(
        [sys.executable, "-c", path + program], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


KILLED = """
import os, signal, sys, threading
from pathlib import Path
from tests.support.record_samples import *
from slalom.records.on_mlflow import MlflowRecorder
from alembic.runtime.migration import MigrationContext
steps = MigrationContext.run_migrations
def cut_off(self, **kw):
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
    steps(self, **kw)
MigrationContext.run_migrations = cut_off
MlflowRecorder("sqlite:///home/mlflow.db", Path("home/artifacts"), study(), describe).close()
"""


def test_a_process_killed_while_the_tables_are_made_leaves_nothing_that_stops_the_next(tmp_path):
    assert python(KILLED, tmp_path).returncode == -signal.SIGKILL
    assert (tmp_path / "home" / "mlflow.db.new").exists()
    done = python(QUIET, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "home" / "mlflow.db.new").exists()
