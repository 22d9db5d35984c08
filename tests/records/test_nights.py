"""Baselines and nights in MLflow: what people see there, and what is told where they cannot be recorded."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from slalom.errors import Infrastructure, InputError
from slalom.records.on_mlflow import MlflowNights
from slalom.regression.gate import Answer
from slalom.wire.trial import Phase
from tests.records.recorded import client, record, weights_for
from tests.support.night_samples import BEGIN, baseline, night
from tests.support.record_samples import WORK, ended, runs_in, study


@pytest.fixture
def nights(uri, tmp_path):
    return MlflowNights(uri, tmp_path / "artifacts", study())


def runs_of_nights(uri):
    return [run for run in runs_in(uri) if run.data.tags["slalom.kind"] == "regression"]


def test_a_night_shows_its_findings(uri, nights):
    nights.night(night(0, Answer.REGRESSED, 0.125))
    (run,) = runs_of_nights(uri)
    assert (run.info.run_name, run.info.status) == ("regression 2023-11-14 22:13", "FAILED")
    assert run.info.start_time == 1000 * BEGIN
    numbers = {"": 0.5, "/baseline": 0.375, "/difference": 0.125, "/margin": 0.02}
    assert run.data.metrics == {
        f"{arm}/error{part}": value for arm in ("constant", "rising") for part, value in numbers.items()
    }
    tags = {"slalom.answer": "regressed", "slalom.changed.version.torch": "2.1 -> 2.2"}
    assert tags.items() <= run.data.tags.items()
    assert "momentum: regressed" in run.data.tags["mlflow.note.content"]
    files = {file.path for file in client(uri).list_artifacts(run.info.run_id)}
    assert files == {"night.json", "trend.svg"}


def test_a_trend_has_every_night_so_far(uri, nights):
    for day in range(3):
        nights.night(night(day))
    assert {run.info.status for run in runs_of_nights(uri)} == {"FINISHED"}
    last = max(runs_of_nights(uri), key=lambda run: run.info.start_time)
    drawn = client(uri).download_artifacts(last.info.run_id, "trend.svg")
    assert "momentum: 3 nights against the baseline" in Path(drawn).read_text()


def test_a_pinned_arms_model_is_named(uri, nights, tmp_path):
    trial, weights = ended("rising", 0, Phase.CONFIRM), weights_for(WORK, tmp_path, (64,), 10)
    record(uri, ("trials", [trial]), ("model", trial.spec, weights))
    nights.pin(baseline())
    assert int(client(uri).get_model_version_by_alias("momentum.rising", "baseline").version) == 1


def test_what_is_recorded_is_complete_in_the_file_itself(nights, tmp_path):
    nights.night(night())
    left = [file for file in tmp_path.glob("mlflow.db-wal") if file.stat().st_size]
    assert left == []


def test_a_store_that_takes_no_record_is_told_of(uri, nights, tmp_path):
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.execute("DROP TABLE metrics")
        connection.execute("DROP TABLE latest_metrics")
    with pytest.raises(Infrastructure, match=r"MLflow at sqlite:.* did not take the record"):
        nights.night(night())


def test_a_place_that_does_not_answer_is_told_before_anything_is_trained():
    with pytest.raises(Infrastructure, match="MLflow does not answer at http://127"):
        MlflowNights("http://127.0.0.1:9", None, study())
    with pytest.raises(InputError, match="tracking URI must"):
        MlflowNights("mlruns", None, study())


def test_to_ask_loads_no_mlflow(tmp_path):
    code = (
        "import sys; from pathlib import Path; from tests.support.record_samples import study;"
        "from slalom.records.on_mlflow import MlflowNights;"
        "MlflowNights('sqlite:///mlflow.db', Path('artifacts'), study()); assert 'mlflow' not in sys.modules"
    )
    path = {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=path, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
