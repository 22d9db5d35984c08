"""A home that is copied or moved: its records' files are its own, and the home that it was stays as it is."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest

from slalom.errors import InputError
from slalom.records.on_mlflow import MlflowNights, MlflowRecorder
from slalom.records.on_mlflow.moved import PLACES
from slalom.urls import sqlite_url
from slalom.wire.trial import Phase
from tests.records.recorded import weights_for
from tests.support.mlflow_tables import database
from tests.support.night_samples import baseline, night
from tests.support.record_samples import WORK, describe, ended, study

NAME = "a home of 100 %_"


def uri_of(home):
    return sqlite_url(home / "mlflow.db")


def places(home):
    """Every place that the records name."""
    with closing(sqlite3.connect(home / "mlflow.db")) as line:
        rows = [line.execute(f"SELECT {column} FROM {table}").fetchall() for table, column in PLACES]
    return {place for found in rows for (place,) in found if place and not place.startswith("models:")}


def files(home):
    return {file.relative_to(home).as_posix(): file.read_bytes() for file in home.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with a model, a baseline and a night on record."""
    made = tmp_path_factory.mktemp("homes") / NAME
    made.mkdir()
    database(made)
    trial, weights = ended("rising", 0, Phase.CONFIRM), weights_for(WORK, made.parent, (64,), 10)
    recorder = MlflowRecorder(uri_of(made), made / "artifacts", study(), describe)
    recorder.trials([trial])
    recorder.model(trial.spec, weights)
    recorder.close()
    nights = MlflowNights(uri_of(made), made / "artifacts", study())
    nights.pin(baseline())
    nights.night(night(0))
    return made


@pytest.fixture
def copy(home, tmp_path):
    made = tmp_path / "copy"
    shutil.copytree(home, made)
    return made


def within(home, found):
    return {place for place in found if place.startswith(home.as_uri() + "/")}


def test_a_copy_of_a_home_writes_into_its_own_folder(home, copy):
    before = files(home)
    MlflowNights(uri_of(copy), copy / "artifacts", study()).night(night(1))
    assert files(home) == before
    assert sum(name.endswith("/trend.svg") for name in files(copy)) == 2
    assert within(home, places(copy)) == set()
    assert len(within(copy, places(copy))) == len(within(home, places(home))) + 1  # of the new night


def test_a_home_that_was_moved_keeps_its_files(home, copy, tmp_path):
    MlflowNights(uri_of(copy), copy / "artifacts", study()).night(night(1))
    moved = copy.rename(tmp_path / "moved")
    MlflowNights(uri_of(moved), moved / "artifacts", study()).night(night(2))
    assert not copy.exists()
    assert within(copy, places(moved)) == set()
    assert len(within(moved, places(moved))) == len(within(home, places(home))) + 2


def test_a_file_that_several_homes_share_stays_as_it_is(copy, tmp_path):
    MlflowNights(uri_of(copy), copy / "artifacts", study()).night(night(1))
    before = places(copy)
    MlflowNights(uri_of(copy), tmp_path / "other" / "artifacts", study()).night(night(2))
    assert before <= places(copy)


def test_a_copy_whose_tables_are_not_known_is_refused_by_name(copy):
    with closing(sqlite3.connect(copy / "mlflow.db")) as line, line:
        line.execute("ALTER TABLE runs RENAME COLUMN artifact_uri TO place")
    with pytest.raises(InputError, match=r"--home: .*copy is a copy of the home whose artifacts are in file:.*100"):
        MlflowNights(uri_of(copy), copy / "artifacts", study()).night(night(1))
    with closing(sqlite3.connect(copy / "mlflow.db")) as line:
        found = line.execute("SELECT artifact_location FROM experiments").fetchall()
    assert not any(place.startswith(copy.as_uri()) for (place,) in found)
