"""The commands that start nothing."""

import json
import os
import subprocess
import sys

import jsonschema
import pytest

import slalom as package
from slalom.study.yaml import read_yaml
from tests.cli.studies import SMALL, here, slalom
from tests.support.tiers import few


def test_check_prints_the_plan_and_writes_nothing(empty):
    done = here("check", "small.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    fingerprint = package.load("small.yaml").fingerprint
    assert done.stdout.splitlines() == [
        "small: Does Adam beat plain descent on eight hidden units?",
        "  sgd: tunes learning_rate",
        "  adam: tunes learning_rate",
        "6 searches of each arm, each with a split of its own; in each of them",
        "  4 tuning trials of 4 epochs, 3 full trainings",
        "  the best 2 again from 1 seed, 2 trainings",
        "  2 confirm seeds of the choice",
        "96 trials in all, which cost as much as 84 full trainings",
        "epochs at which a generation of 4 is judged: 2, 4",
        f"fingerprint {fingerprint}",
    ]
    plan = json.loads(here("check", "small.yaml", "--json").stdout)
    assert plan["searches"] == {"at_least": 6, "at_most": 6, "stages": [6]}
    parts = ("tuning_trials_per_search", "picked_trainings_per_search", "confirm_seeds_per_search")
    assert [plan[part] for part in parts] == [4, 2, 2]
    assert plan["trials"] == {"at_least": 96, "at_most": 96}
    assert plan["full_trainings"] == {"per_search": 7.0, "at_least": 84.0, "at_most": 84.0}
    assert (plan["split"], plan["limits"], plan["fingerprint"]) == ("resampled", [], fingerprint)
    assert [path.name for path in empty.iterdir()] == ["small.yaml"]


@pytest.mark.parametrize(
    ("searches", "limits"),
    [
        ("5", ["5 searches cannot tell any arm from the baseline at alpha 0.05: it takes 6"]),
        (
            "1",
            [
                "one search tells of the settings that it finds, not of the way of training: no winner will be named",
                "2 seeds cannot tell any arm from the baseline at alpha 0.05: it takes 6",
            ],
        ),
        ("{at_least: 6, at_most: 24, until: decided}", []),
    ],
)
def test_check_says_what_so_many_searches_cannot_decide(searches, limits, empty):
    (empty / "small.yaml").write_text(SMALL.replace("searches: 6", f"searches: {searches}"))
    assert json.loads(here("check", "small.yaml", "--json").stdout)["limits"] == limits
    assert [line for line in here("check", "small.yaml").stdout.splitlines() if line in limits] == limits


def test_a_level_that_no_number_of_searches_reaches_is_no_crash(empty):
    (empty / "small.yaml").write_text(SMALL.replace("baseline: sgd", "baseline: sgd, alpha: 1e-6"))
    done = here("check", "small.yaml")
    assert done.returncode == 0
    assert "6 searches cannot tell any arm from the baseline at alpha 1e-06\n" in done.stdout


@pytest.mark.parametrize("study", few((file.stem for file in package.bundled()), 6))
def test_every_bundled_study_passes_check(study, empty):
    done = here("check", study)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{study}: ")
    assert [path.name for path in empty.iterdir()] == ["small.yaml"]


def test_studies_lists_every_bundled_study_with_its_question(empty):
    questions = {file.stem: read_yaml(file.read_text(), file.name).plain()["question"] for file in package.bundled()}
    assert len(questions) >= 5
    listed = here("studies").stdout.splitlines()
    assert [line.split(maxsplit=1) for line in listed] == [list(pair) for pair in questions.items()]
    objects = json.loads(here("studies", "--json").stdout)
    assert {one["study"]: one["question"] for one in objects} == questions
    assert [path.name for path in empty.iterdir()] == ["small.yaml"]


def test_schema_is_a_schema_that_the_bundled_studies_follow():
    schema = json.loads(here("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for file in package.bundled():
        plain = json.loads(json.dumps(read_yaml(file.read_text(), file.name).plain()))
        validator.validate(plain)


def test_help_is_quick_and_lists_the_commands(tmp_path):
    """A fourth of what importing torch takes, in a processor's seconds, which others at work do not change."""
    done = slalom("--help", cwd=tmp_path)
    assert done.returncode == 0
    for command in ("run", "check", "studies", "show", "export", "ui", "schema"):
        assert f"\n    {command} " in done.stdout
        assert here(command, "--help").stdout.startswith(f"usage: slalom {command} ")
    assert spent("-m", "slalom.cli", "--help") < spent("-c", "import torch") / 4


def spent(*arguments):
    """The least seconds of a processor that Python took of three runs with these arguments."""
    seconds = []
    for _ in range(3):
        began = os.times()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
        ended = os.times()
        seconds.append(ended.children_user + ended.children_system - began.children_user - began.children_system)
    return min(seconds)
