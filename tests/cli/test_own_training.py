"""A study with a training function on the command line: what `check` finds, and a run that is killed and goes on."""

import json
import os
import signal
from subprocess import DEVNULL

import pytest

import slalom
from slalom import wiring
from tests.cli.studies import await_that, here, rows, start
from tests.cli.studies import slalom as command
from tests.loop.test_own_training import STUDY, TRAIN
from tests.support.mlflow_tables import database


def written(folder, *replacements):
    text = TRAIN
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    (folder / "curves.py").write_text(text)
    (folder / "curves.yaml").write_text(STUDY)
    return folder / "curves.yaml"


def test_check_trains_an_epoch_of_each_arm(tmp_path):
    checked = here("check", written(tmp_path))
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "gentle: tunes rate, slope" in checked.stdout
    assert checked.stdout.endswith("trained here, and the baseline's twice, with the same numbers\n")
    calls = [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]
    assert {(phase, epoch, params["rate"]) for phase, _, _, epoch, params in calls} == {("confirm", 1, 0.5)}
    assert [(split, params["slope"]) for _, _, split, _, params in calls] == [(0, 2.0), (0, 0.5), (0, 2.0), (1, 2.0)]


def test_check_says_that_numbers_do_not_come_of_the_seed(tmp_path):
    study = written(tmp_path, ("random.Random(trial.seed)", "random.SystemRandom()"))
    assert "with OTHER numbers" in here("check", study).stdout
    found = json.loads(here("check", study, "--json").stdout)["rehearsal"]
    assert found == {"reproduced": False, "split_matters": True}


def test_check_says_that_all_splits_are_the_same(tmp_path):
    study = written(tmp_path, ("error += 0.001 * trial.split", "pass"))
    assert "splits 0 and 1 gave the SAME numbers" in here("check", study).stdout
    study.write_text(STUDY + "resample: {split: fixed}\n")
    found = json.loads(here("check", study, "--json").stdout)["rehearsal"]
    assert found == {"reproduced": True, "split_matters": None}


@pytest.mark.parametrize(
    ("replacement", "said"),
    [
        (("chance = ", "raise ValueError('no fur')\n    chance = "), "curves.py:train: ValueError: no fur (line 11)"),
        (
            ("going_on = trial.report(score=", "going_on = trial.report(scroe="),
            "report() must hold the study's metric 'score'; did you mean 'scroe'?",
        ),
        (('{"score": -error', '{"error": -error'), "what it returns must hold the study's metric 'score'"),
        (("return {", "{"), "must return a mapping with 'score' on test data"),
    ],
)
def test_what_would_fail_is_told_by_check(replacement, said, tmp_path):
    checked = here("check", written(tmp_path, replacement))
    assert (checked.returncode, checked.stdout) == (2, "")
    assert said in checked.stderr
    assert len(checked.stderr.splitlines()) == 1


def test_one_that_is_killed_and_run_again_has_the_export_of_one_that_was_not(tmp_path):
    study = written(tmp_path)
    study.write_text(STUDY.replace("searches: 6", "searches: 2"))
    for home in ("killed", "whole"):
        database(tmp_path / home)
    stored = tmp_path / "killed" / "optuna.db"
    with start("run", "curves.yaml", "--home", "killed", cwd=tmp_path, stdout=DEVNULL, stderr=DEVNULL) as running:
        await_that(lambda: rows(stored, "trials") > 10)
        os.killpg(running.pid, signal.SIGKILL)
    before = rows(stored, "trials")
    again = command("run", "curves.yaml", "--home", "killed", "--json", cwd=tmp_path)
    shown = json.loads(again.stdout)
    assert (again.returncode, shown["state"]) == (0, "complete")
    assert [arm["tuning"]["trials"] for arm in shown["arms"]] == [18, 18]
    assert rows(stored, "trials") > before
    exported = json.loads(here("export", study, "--home", tmp_path / "killed").stdout)
    whole = slalom.run(study, tmp_path / "whole", lanes=wiring.local_lanes)
    assert rowed(exported) == rowed(json.loads(json.dumps(whole.export())))


def rowed(exported):
    """All that is said of each trial but for how often it was tried."""
    return [{name: value for name, value in row.items() if name != "attempt"} for row in exported]
