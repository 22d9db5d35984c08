"""What every NightRecorder keeps to, over every implementation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from slalom.errors import InputError
from slalom.records import InMemoryNights, NightRecorder
from slalom.records.on_mlflow import MlflowNights, MlflowRecorder
from slalom.regression.gate import Answer
from tests.support.mlflow_tables import database
from tests.support.night_samples import baseline, night
from tests.support.record_samples import describe, runs_in, study, summary

if TYPE_CHECKING:
    from collections.abc import Callable


class Store(NamedTuple):
    """A place for one study's nights: recorders over it, its pinned baseline as text, and its nights as JSON."""

    recorder: Callable[[], NightRecorder[Any, Any]]
    pinned: Callable[[], str | None]
    nights: Callable[[], list[Any]]


def in_memory(_: Path, recorded: bool) -> Store:
    kept: InMemoryNights[Any, Any] = InMemoryNights(recorded)
    return Store(
        lambda: kept,
        lambda: kept.baseline and kept.baseline.spelled(),
        lambda: [json.loads(json.dumps(one.as_json())) for one in kept.nights],
    )


def on_mlflow(folder: Path, recorded: bool) -> Store:
    uri, artifacts = database(folder), folder / "artifacts"
    if recorded:
        recorder = MlflowRecorder(uri, artifacts, study(), describe)
        recorder.summary(summary())
        recorder.close()
    return Store(
        lambda: MlflowNights(uri, artifacts, study()),
        lambda: next(iter(texts(uri, "study", "baseline.json")), None),
        lambda: list(map(json.loads, texts(uri, "regression", "night.json"))),
    )


def texts(uri: str, kind: str, file: str) -> list[str]:
    """The artifact of that name of each run of a kind that has one, oldest first."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    runs = sorted(runs_in(uri), key=lambda run: run.info.start_time)
    own = [run.info.run_id for run in runs if run.data.tags["slalom.kind"] == kind]
    having = [run for run in own if file in {found.path for found in client.list_artifacts(run)}]
    return [Path(client.download_artifacts(run, file)).read_text() for run in having]


@pytest.fixture(params=[in_memory, on_mlflow])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return request.param(tmp_path / "home", True)


@pytest.fixture(params=[in_memory, on_mlflow])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store in which the study has no record."""
    return request.param(tmp_path / "home", False)


def test_a_baseline_is_on_record_and_the_last_one_stays(store):
    recorder = store.recorder()
    assert store.pinned() is None
    recorder.pin(baseline(0.25))
    assert store.pinned() == baseline(0.25).spelled()
    store.recorder().pin(baseline(0.125))
    store.recorder().pin(baseline(0.125))
    assert store.pinned() == baseline(0.125).spelled()
    assert store.nights() == []


def test_nights_are_kept_one_after_the_other_whoever_records_them(store):
    nights = [night(day, answer, 0.1) for day, answer in enumerate((Answer.EQUIVALENT, Answer.REGRESSED))]
    for one in nights:
        store.recorder().night(one)
    assert store.nights() == [json.loads(json.dumps(one.as_json())) for one in nights]
    recorder = store.recorder()
    recorder.night(night(2))
    recorder.night(night(3))
    assert [one["seconds"] for one in store.nights()] == [night(day).seconds for day in range(4)]
    assert store.pinned() is None


def test_the_same_night_again_is_a_further_record(store):
    for _ in range(2):
        store.recorder().night(night())
    assert len(store.nights()) == 2


def test_a_baseline_needs_a_study_on_record(empty):
    with pytest.raises(InputError, match=r"is not on record.*`slalom run` records it"):
        empty.recorder().pin(baseline())
    assert empty.pinned() is None


def test_a_night_needs_none(empty):
    empty.recorder().night(night())
    assert len(empty.nights()) == 1
