"""A training function of the user's on a cluster: its file travels, and a lane that dies costs an attempt alone."""

import os
import signal
from collections import Counter

import pytest

import slalom
from slalom import wiring
from tests.cluster.clusters import lane_processes
from tests.cluster.studies import rows, run_here
from tests.loop.test_own_training import STUDY, TRAIN
from tests.support.mlflow_tables import database

ALONE = TRAIN.replace(
    """    with CALLS.open("a") as calls:
        print(json.dumps([trial.phase, trial.seed, trial.split, epoch, trial.params]), file=calls)
""",
    "",
)


@pytest.fixture
def study(tmp_path, monkeypatch):
    """The study of a file in a folder below the study's, read from there."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "curves.py").write_text(ALONE)
    small = STUDY.replace("curves.py", "own/curves.py").replace("searches: 6", "searches: 2")
    (tmp_path / "curves.yaml").write_text(small)
    monkeypatch.chdir(tmp_path)
    return slalom.load("curves.yaml")


def test_a_lane_that_dies_costs_an_attempt(study, tmp_path, cluster):
    expected = run_here(study)
    killed = []

    def kill(progress):
        if progress.trials >= 6 and not killed:
            killed.append(min(lane_processes()))
            os.kill(killed[0], signal.SIGKILL)

    database(tmp_path / "home")
    result = slalom.run(
        study, tmp_path / "home", lanes=lambda spec: wiring.ray_lanes(spec, cluster.address), watch=kill
    )
    assert killed
    assert rows(result.export()) == expected
    assert Counter(row["phase"] for row in result.export()) == {"tune": 36, "pick": 16, "confirm": 8}
