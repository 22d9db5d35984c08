"""A lane that hangs is killed, told and replaced, and the study ends with the numbers of one without a hang."""

from __future__ import annotations

import os
import signal

import pytest

import slalom
from slalom import wiring
from slalom.errors import LaneLost
from slalom.loop.attempts import ATTEMPTS
from slalom.wire.trial import Outcome
from tests.cluster.clusters import lane_processes, wait_for
from tests.cluster.crews import crew, heard, opened
from tests.cluster.studies import DOCUMENT, SPEC, rows, run_here
from tests.cluster.workers import told
from tests.support.mlflow_tables import database


@pytest.mark.parametrize("command", ["loop", "sleep"])
def test_what_comes_on_no_further_is_lost_and_replaced(cluster, command):
    with crew(cluster.address, 2, trial_timeout=8.0) as lanes:
        lanes.send(0, told(command, 500_000))
        lanes.send(0, told("answer", 3))
        ((lane, lost),) = heard(lanes, 1)
        assert lane == 0
        assert isinstance(lost, LaneLost)
        assert lost.looped
        assert "has come on no further than workers.py:" in str(lost)
        opened(lanes, 1)
        lanes.send(0, told("answer", 5))
        assert heard(lanes, 1)[0][1].slots == 5
        lanes.send(1, told("step", 120))
        assert heard(lanes, 1)[0][1].slots == 120, "longer than the limit, but step by step"


def test_a_process_that_is_stopped_is_lost_and_gone(cluster):
    with crew(cluster.address, 1, trial_timeout=8.0) as lanes:
        (process,) = lane_processes()
        os.kill(process, signal.SIGSTOP)
        lanes.send(0, told("answer"))
        ((_, lost),) = heard(lanes, 1)
        assert isinstance(lost, LaneLost)
        assert not lost.looped
        assert " does not answer, for " in str(lost)
        opened(lanes, 1)
        assert wait_for(lambda: process not in lane_processes())


class Stopping:
    """Stops all lanes as soon as a trial has ended, one of which has others left, and keeps what was told."""

    def __init__(self):
        self.stopped, self.told = [], []

    def __call__(self, progress):
        self.told += progress.told
        if progress.trials and not self.stopped:
            self.stopped += lane_processes()
            for process in self.stopped:
                os.kill(process, signal.SIGSTOP)


def test_a_study_goes_on_to_the_same_numbers(cluster, expected, tmp_path):
    database(tmp_path)
    watch = Stopping()
    study = SPEC.with_resources(trial_timeout=15.0)
    result = slalom.run(study, tmp_path, lanes=lambda spec: wiring.ray_lanes(spec, cluster.address), watch=watch)
    assert rows(result.export()) == expected
    assert any(" does not answer, for " in line and ", and is given up; " in line for line in watch.told), watch.told
    assert wait_for(lambda: not {*watch.stopped} & {*lane_processes()}), "their nodes kill them within seconds"


OWN = """
def train(trial, rate, most):
    for _ in range(trial.epochs):
        trial.report(error=rate)
        while rate > most:
            pass
    return {"error": rate} if trial.wants_test else None
"""

LOOPING = {
    **{name: DOCUMENT[name] for name in ("question", "compare")},
    "name": "looping",
    "task": "own.py:train",
    "metric": {"name": "error", "goal": "minimize"},
    "search": {"rate": {"uniform": [0.0, 1.0]}},
    "arms": {"plain": {}, "heavy": {"rate": 0.5}},
    "tune": {"trials": 4, "searches": 1, "sampler": "random", "pruner": "none", "pick": "none"},
    "confirm": {"seeds": 1},
    "resources": {"lanes": 2, "trial_timeout": 8},
}


def test_a_training_that_loops_fails_with_its_line_and_the_others_end(cluster, tmp_path, monkeypatch):
    """The worst trial loops after its first report: it is tried three times, and is chosen by nobody."""
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    whole = run_here(slalom.Study(**LOOPING, training={"epochs": 2, "most": 1.0}))
    *_, second, worst = sorted(row["params"]["rate"] for row in whole if row["arm"] == "plain" and row["params"])
    study = slalom.Study(**LOOPING, training={"epochs": 2, "most": (second + worst) / 2})
    database(tmp_path / "home")
    result = slalom.run(study, tmp_path / "home", lanes=lambda spec: wiring.ray_lanes(spec, cluster.address))
    failed = [row for row in result.export() if row["outcome"] == Outcome.FAILED]
    assert [(row["params"]["rate"], row["attempt"]) for row in failed] == [(worst, ATTEMPTS - 1)]
    assert "has come on no further than own.py:5, for " in failed[0]["error"]
    others = [row for row in whole if row["params"].get("rate") != worst]
    assert [row for row in rows(result.export()) if row["outcome"] != Outcome.FAILED] == others
