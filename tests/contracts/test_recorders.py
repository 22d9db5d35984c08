"""What every Recorder keeps to, over every implementation and every kind of store."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.request import urlopen

import numpy as np
import pytest
import torch

from slalom.records import InMemoryRecorder, Recorder, Records
from slalom.records.on_mlflow import MlflowRecorder
from slalom.verdict.summary import State
from slalom.wire.trial import Phase, Work
from slalom_worker.serving import freeze
from tests.support.mlflow_tables import database
from tests.support.programs import stand_in
from tests.support.record_samples import (
    FINGERPRINT,
    SETTINGS,
    all_ended,
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
    from collections.abc import Callable, Iterator
    from pathlib import Path

WEIGHTS = (freeze({"1.weight": torch.zeros(2, 3)}, stand_in((3,), 2)),)


class Store(NamedTuple):
    """A place for one study's records: recorders over it, and all that is on record in it."""

    recorder: Callable[[], Recorder]
    contents: Callable[[], Any]


def in_memory(_: Path) -> Store:
    records = Records()
    return Store(
        lambda: InMemoryRecorder(records), lambda: (dict(records.trials), dict(records.models), records.summary)
    )


def on_mlflow(tracking_uri: str, artifacts: Path | None) -> Store:
    return Store(lambda: MlflowRecorder(tracking_uri, artifacts, study(), describe), lambda: shown_in(tracking_uri))


def on_sqlite(folder: Path) -> Store:
    return on_mlflow(database(folder / "my home"), folder / "my home" / "artifacts")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Starts an `mlflow server` at the first call, and gives its URI."""
    started: list[subprocess.Popen[bytes]] = []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{free.getsockname()[1]}"

    def start() -> str:
        if not started:
            folder = tmp_path_factory.mktemp("server")
            command = [sys.executable, "-m", "mlflow", "server", "--port", uri.rpartition(":")[2], "--workers", "1"]
            places = ["--backend-store-uri", database(folder), "--artifacts-destination", str(folder / "files")]
            log = (folder / "log").open("wb")
            # without the processes for jobs, which the server would start by default
            environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
            started.append(subprocess.Popen([*command, *places], cwd=folder, env=environment, stdout=log, stderr=log))
            log.close()
            await_answer(uri)
        return uri

    yield start
    for process in started:
        process.terminate()
        process.wait(timeout=80)


def await_answer(uri: str) -> None:
    deadline = time.monotonic() + 360
    while time.monotonic() < deadline:
        try:
            urlopen(f"{uri}/health", timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(uri)


@pytest.fixture(params=["in_memory", "on_sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Gives a new, empty store at each call."""
    make = {"in_memory": in_memory, "on_sqlite": on_sqlite}[request.param]
    folders = (tmp_path / str(number) for number in range(9))
    return lambda: make(next(folders))


def record(store: Store, *steps: Callable[[Recorder], None]) -> Any:
    recorder = store.recorder()
    for step in steps:
        step(recorder)
    recorder.close()
    return store.contents()


def trials(recorder: Recorder) -> None:
    recorder.trials(all_ended())


def model(recorder: Recorder) -> None:
    recorder.model(ended("rising", 1, Phase.CONFIRM).spec, WEIGHTS)


def complete(recorder: Recorder) -> None:
    recorder.summary(summary())


ALL = (trials, model, complete)


def test_recording_twice_changes_nothing(stores):
    store = stores()
    once = record(store, *ALL)
    assert record(store, *ALL, *ALL) == once


def test_what_is_cut_off_is_completed_by_the_next_recorder(stores):
    whole, store = record(stores(), *ALL), stores()
    record(store, lambda recorder: recorder.trials(all_ended()[:3]), lambda recorder: recorder.summary(summary()))
    assert record(store, *ALL) == whole


def test_the_same_calls_rebuild_the_same_records(stores):
    assert record(stores(), *ALL) == record(stores(), *ALL)


def test_a_trial_on_record_is_left(stores):
    store = stores()
    first = record(store, lambda recorder: recorder.trials([ended(lane="one")]))
    assert record(store, lambda recorder: recorder.trials([ended(lane="two")])) == first


def test_the_last_summary_stays(stores):
    one, other = stores(), stores()
    record(one, complete)
    record(other, lambda recorder: recorder.summary(summary(State.INTERRUPTED)))
    record(other, lambda recorder: recorder.summary(tuning_summary()), complete)
    assert final(one.contents()) == final(other.contents())


def final(contents: Any) -> Any:
    """Without the way there."""
    if not isinstance(contents, dict):
        return contents
    return {
        place: {**page, "history": {name: points[-1] for name, points in page["history"].items()}}
        for place, page in contents.items()
    }


def test_closing_twice_does_nothing(stores):
    recorder = stores().recorder()
    recorder.close()
    recorder.close()


@pytest.mark.slow
def test_a_server_keeps_what_a_file_keeps(server, tmp_path):
    store = on_mlflow(server(), None)
    once = record(on_sqlite(tmp_path), *ALL)
    assert record(store, *ALL) == once
    assert record(store, *ALL) == once


@pytest.mark.slow
def test_a_server_gives_out_a_registered_ensemble(server):
    nets = [torch.tensor([[0.0, 1.0], [2.0, 0.0]]), torch.zeros(2, 2)]
    work = Work({"name": "mixture"}, {"name": "mlp", "hidden": [], "activation": "tanh", "bias": False}, 32)
    ensemble = {"combine": "mean", "members": 2, "bagging": False}
    trial = ended("rising", 0, Phase.CONFIRM, work=work, settings={**SETTINGS, "ensemble": ensemble})
    for _ in range(2):
        recorder = MlflowRecorder(server(), None, replace(study(), name="together"), describe)
        recorder.trials([trial])
        recorder.model(trial.spec, [freeze({"2.weight": net}, stand_in((2,), 2)) for net in nets])
        recorder.close()
    said = load_model(server(), "models:/together.rising/1").predict(np.eye(2, dtype=np.float32))
    np.testing.assert_allclose(said, sum(net.T.softmax(1).numpy() for net in nets) / 2, rtol=1e-6)
    shown = shown_in(server(), "together")
    assert shown["together", "rising", "rising search 0 confirm 0"]["registered"] == [("together.rising", 1)]


def test_a_database_server_keeps_what_a_file_keeps(postgres, tmp_path):
    store = on_mlflow(postgres.url, tmp_path / "artifacts")
    once = record(on_sqlite(tmp_path), *ALL)
    assert record(store, *ALL) == once
    assert record(store, *ALL) == once


def test_studies_of_one_name_and_other_fingerprints_do_not_mix(tmp_path):
    uri = database(tmp_path)
    for fingerprint in (FINGERPRINT, FINGERPRINT[::-1]):
        recorder = MlflowRecorder(uri, tmp_path, study(fingerprint), describe)
        recorder.trials([ended()])
        recorder.close()
    tags = [run.data.tags for run in runs_in(uri)]
    mine = [tag["slalom.kind"] for tag in tags if tag["slalom.fingerprint"] == FINGERPRINT]
    assert sorted(mine) == ["arm", "arm", "study", "trial"]
