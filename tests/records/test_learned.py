"""What a kept net has learned is at its trial's run in MLflow: filters and maps as pictures, directions as numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import slalom
from slalom import wiring
from slalom.wire.learned import Learned
from slalom.wire.trial import Phase
from tests.records.recorded import client, record, weights_for
from tests.support.mlflow_tables import database
from tests.support.record_samples import WORK, ended, runs_in

STUDY = {
    "name": "filters",
    "question": "Does momentum give clearer filters?",
    "task": "digits",
    "model": {"name": "convnet", "channels": [4], "kernels": 5, "full": [16]},
    "training": {"epochs": 2, "batch_size": 100},
    "search": {"learning_rate": {"log": [1e-2, 1.0]}},
    "arms": {"plain": {"optimizer": "sgd"}, "heavy": {"optimizer": "momentum"}},
    "tune": {"trials": 1, "searches": 1, "pick": "none"},
    "confirm": {"seeds": 6},
    "compare": {"baseline": "plain"},
    "resources": {"pack_width": 8},
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The runs of kept trials of a study, and MLflow's client."""
    home = tmp_path_factory.mktemp("home")
    uri = database(home)
    result = slalom.run(slalom.Study(**STUDY), home, lanes=wiring.local_lanes)
    assert [arm.reproduced for arm in result.arms] == [True, True]
    return [run for run in runs_in(uri, "filters") if "slalom.model" in run.data.tags], client(uri)


def test_each_arm_s_kept_trial_shows_its_filters(kept, tmp_path):
    runs, mlflow = kept
    assert len(runs) == 2
    for run in runs:
        places = [file.path for file in mlflow.list_artifacts(run.info.run_id, "filters")]
        assert sorted(places) == [
            "filters/first_layer.png",
            "filters/first_layer_initial.png",
            "filters/maps.png",
            "filters/orientation.json",
        ]
        for place in places[:3]:
            page = Image.open(mlflow.download_artifacts(run.info.run_id, place, tmp_path))
            assert len(np.unique(np.asarray(page))) > 20


def test_their_direction_is_a_metric_beside_that_at_the_start(kept, tmp_path):
    runs, mlflow = kept
    for run in runs:
        file = mlflow.download_artifacts(run.info.run_id, "filters/orientation.json", tmp_path)
        table = json.loads(Path(file).read_text(encoding="utf-8"))
        assert len(table) == 4
        for metric, column in (("orientation", "orientation"), ("orientation_initial", "initial")):
            mean = sum(row[column] for row in table) / 4
            assert run.data.metrics[f"filters.{metric}"] == pytest.approx(mean)
            (point,) = mlflow.get_metric_history(run.info.run_id, f"filters.{metric}")
            assert point.step == 0, "MLflow draws a bar for it, and no curve of one point"


def test_a_trial_that_has_a_model_keeps_what_it_has_learned(tmp_path):
    uri = database(tmp_path)
    trial = ended("rising", 0, Phase.CONFIRM)
    weights = weights_for(WORK, tmp_path, (64,), 10)
    first, second = (Learned({"filters.orientation": value}, {"filters/a.txt": b"a"}) for value in (0.5, 0.75))
    record(uri, ("trials", [trial]), ("model", trial.spec, weights, first))
    shown = record(uri, ("trials", [trial]), ("model", trial.spec, weights, second))
    page = shown["momentum", "rising", "rising search 0 confirm 0"]
    assert page["history"]["filters.orientation"] == [(0, 0.5)]
    assert page["files"] == ["filters", "members"]
