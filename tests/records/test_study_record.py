"""What a study's page takes from its records, and that it lies beside them."""

from __future__ import annotations

from pathlib import Path

import mlflow
import numpy as np
import pytest

import slalom
from slalom import wiring
from slalom.errors import Infrastructure
from slalom.records.on_mlflow import MlflowNights
from slalom.records.on_mlflow.study_record import StudyRecord
from slalom.regression.gate import Answer
from slalom.wire.learned import Learned
from slalom.wire.trial import Phase
from slalom_worker.tasks import open_task
from slalom_worker.tasks.parts import draw, own_parts
from slalom_worker.tasks.plane import grid, is_plane
from tests.records.recorded import client, record, weights_for
from tests.report.pages import Shown
from tests.support.mlflow_tables import database
from tests.support.night_samples import night
from tests.support.record_samples import WORK, ended, runs_in, study, summary

SECTORS = """\
import numpy as np
from torch import nn

from slalom_worker.tasks import Data, Split


class Sectors:
    def load(self):
        random = np.random.default_rng(0)
        return Data(*(self._split(random, count) for count in (60, 30, 30)), classes=3)

    def _split(self, random, count):
        angle = random.uniform(0, 2 * np.pi, count)
        inputs = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
        return Split(inputs, (angle * 3 / (2 * np.pi)).astype(np.int64))

    def model(self):
        return nn.Linear(2, 3)
"""

PLANE = {
    "name": "plane",
    "question": "Do three nets draw another boundary than one?",
    "task": {"name": "mixture", "n": 40},
    "model": {"name": "mlp", "hidden": [4]},
    "training": {"epochs": 3, "batch_size": 20, "optimizer": "sgd", "learning_rate": 0.5},
    "arms": {"single": {}, "three": {"ensemble": {"members": 3, "bagging": False}}},
    "tune": {"trials": 1, "searches": 2, "pick": "none"},
    "confirm": {"seeds": 1},
    "compare": {"baseline": "single"},
}


def test_the_nights_of_a_study_are_read_oldest_first(uri, tmp_path):
    nights = MlflowNights(uri, tmp_path / "artifacts", study())
    for day in range(3):
        nights.night(night(day, Answer.REGRESSED if day == 2 else Answer.EQUIVALENT, 0.125))
    trends = StudyRecord(uri, study()).trends()
    assert [(trend.arm, trend.metric) for trend in trends] == [("constant", "error"), ("rising", "error")]
    for trend in trends:
        assert [one.answer for one in trend.nights] == ["equivalent", "equivalent", "regressed"]
        assert {(one.difference, one.margin) for one in trend.nights} == {(0.125, 0.02)}
        assert [one.date for one in trend.nights] == sorted(one.date for one in trend.nights)


def test_the_filters_of_kept_nets_are_read(uri, tmp_path):
    trial, weights = ended("rising", 0, Phase.CONFIRM), weights_for(WORK, tmp_path, (64,), 10)
    pictures = {"filters/first_layer.png": b"after", "filters/first_layer_initial.png": b"before"}
    learned = Learned({"filters.orientation": 0.5, "filters.orientation_initial": 0.25}, pictures)
    record(uri, ("trials", [trial]), ("model", trial.spec, weights, learned))
    (layer,) = StudyRecord(uri, study()).first_layers()
    assert (layer.arm, layer.filters, layer.initial) == ("rising", b"after", b"before")
    assert (layer.orientation, layer.initial_orientation) == (0.5, 0.25)


def test_a_page_takes_the_place_of_the_one_before(uri):
    record(uri, ("summary", summary()))
    kept = StudyRecord(uri, study())
    for text in ("first", "second"):
        kept.put(text)
    (top,) = (run for run in runs_in(uri) if run.data.tags["slalom.kind"] == "study")
    assert Path(client(uri).download_artifacts(top.info.run_id, "report.html")).read_text() == "second"


def test_a_study_without_records_has_nothing(uri):
    kept = StudyRecord(uri, study())
    assert (kept.decisions(), kept.first_layers(), kept.trends()) == ((), (), ())
    kept.put("a page")
    assert runs_in(uri) == []


def test_records_that_do_not_answer_are_told(tmp_path):
    database(tmp_path)
    kept = StudyRecord(f"sqlite:///{tmp_path}/mlflow.db", study())
    (tmp_path / "mlflow.db").write_bytes(b"no database" * 1000)
    with pytest.raises(Infrastructure, match="is broken"):
        kept.decisions()


def model(home, spec, arm):
    """The model of an arm that is on record in a home."""
    mlflow.set_tracking_uri(f"sqlite:///{home}/mlflow.db")
    return mlflow.pyfunc.load_model(f"models:/{spec.name}.{arm}/1")


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    """The page of a study of points in the plane, and its home."""
    home = tmp_path_factory.mktemp("plane")
    database(home)
    result = slalom.run(slalom.Study(**PLANE), home, lanes=wiring.local_lanes)
    return slalom.page(result.spec, home), home


def test_decisions_are_those_of_the_models_on_record(plane):
    page, home = plane
    found = page.findings.on_record.decisions
    assert [one.arm for one in found] == ["single", "three"]
    task = open_task(page.spec.task, page.spec.folder)
    data = task.load()
    pooled = data.pooled()
    splits = [draw(task, pooled.pool, own_parts(pooled), page.spec.split(search)).train.split() for search in range(2)]
    for one in found:
        said = model(home, page.spec, one.arm).predict(grid(data).points())[:, 1]
        assert np.allclose(np.array(one.probability).ravel(), said, atol=1e-4)
        points = np.array([point[:2] for point in one.points], np.float32)
        assert any(np.array_equal(points, split.inputs) for split in splits), "of the search's own split"
        assert one.trained == len(points) == 40


def test_the_best_boundary_is_that_of_the_tasks_own_grid(plane):
    page, _ = plane
    data = open_task(page.spec.task, page.spec.folder).load()
    places = grid(data)
    assert is_plane(data)
    assert places.best.shape == (len(places.ys), len(places.xs)) == (50, 35)
    half = len(data.test.labels) // 2
    row = np.flatnonzero((data.test.inputs[:half] == [places.xs[9], places.ys[20]]).all(axis=1))[0]
    zero, one = data.test.weights[row], data.test.weights[row + half]
    assert places.best[20, 9] == one / (zero + one)
    for found in page.findings.on_record.decisions:
        assert np.allclose(np.array(found.best, float), places.best, atol=1e-4, equal_nan=True)


def test_of_three_classes_it_is_the_likeliest_everywhere(tmp_path, monkeypatch):
    (tmp_path / "sectors.py").write_text(SECTORS)
    monkeypatch.chdir(tmp_path)
    database(tmp_path / "home")
    of_three = {
        "name": "sectors",
        "task": "sectors.py:Sectors",
        "arms": {"single": {}, "slow": {"learning_rate": 0.01}},
    }
    wanted = {name: value for name, value in {**PLANE, **of_three}.items() if name != "model"}
    result = slalom.run(slalom.Study(**wanted), tmp_path / "home", lanes=wiring.local_lanes)
    found = slalom.page(result.spec, tmp_path / "home").findings.on_record.decisions
    assert [(one.arm, one.classes, one.best, one.probability) for one in found] == [
        ("single", 3, None, None),
        ("slow", 3, None, None),
    ]
    x, y = np.meshgrid(found[0].xs, found[0].ys)
    said = model(tmp_path / "home", result.spec, "single").predict(
        np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    )
    assert np.array_equal(np.ravel(found[0].likeliest), said.argmax(axis=1))
    assert {label for *_, label in found[0].points} == {0, 1, 2}


def test_its_page_has_boundaries_and_ensembles_and_lies_beside_its_run(plane):
    page, home = plane
    html = page.html()
    for part in ("boundaries", "ensembles"):
        assert f'<section id="{part}"' in html
    (three,) = page.findings.ensembles.arms
    assert (three.arm, three.nets, three.trainings) == ("three", 3, 2)
    confirm = page.summary.arms[1].confirm
    assert three.joint == pytest.approx(confirm.mean)
    assert three.member >= 0
    (file,) = (home / "artifacts").rglob("report.html")
    assert Shown(file.read_text()).numbers == Shown(html).numbers
