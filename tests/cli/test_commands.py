"""The commands that start nothing."""

import json
import os

import jsonschema
import pytest

import slalom as package
from slalom.study.yaml import read_yaml
from tests.cli.studies import here, slalom


def test_check_prints_the_plan_and_writes_nothing(empty):
    done = here("check", "small.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    fingerprint = package.load("small.yaml").fingerprint
    assert done.stdout.splitlines() == [
        "small: Does Adam beat plain descent on eight hidden units?",
        "  sgd: tunes learning_rate",
        "  adam: tunes learning_rate",
        "4 tuning trials and 6 confirm seeds an arm, 20 trials in all",
        "epochs at which a generation of 4 is judged: 2, 4",
        f"fingerprint {fingerprint}",
    ]
    plan = json.loads(here("check", "small.yaml", "--json").stdout)
    assert (plan["tuning_trials_per_arm"], plan["confirm_seeds_per_arm"], plan["trials"]) == (4, 6, 20)
    assert plan["fingerprint"] == fingerprint
    assert [path.name for path in empty.iterdir()] == ["small.yaml"]


@pytest.mark.parametrize("study", [file.stem for file in package.bundled()])
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
    for file in package.bundled():
        plain = json.loads(json.dumps(read_yaml(file.read_text(), file.name).plain()))
        jsonschema.validate(plain, schema)


def test_help_is_quick_and_lists_the_commands(tmp_path):
    """In seconds of a processor, which others that are at work on the machine do not make more."""
    seconds = []
    for _ in range(5):
        began = os.times()
        done = slalom("--help", cwd=tmp_path)
        ended = os.times()
        seconds.append(ended.children_user + ended.children_system - began.children_user - began.children_system)
    assert done.returncode == 0
    for command in ("run", "check", "studies", "show", "export", "ui", "schema"):
        assert f"\n    {command} " in done.stdout
        assert here(command, "--help").stdout.startswith(f"usage: slalom {command} ")
    assert min(seconds) < 0.4
