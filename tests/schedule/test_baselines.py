"""Where a scheduled night finds its baseline, whatever folder its server was started in."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest

from slalom.cli.regression import BASELINES, baseline_file
from slalom.regression.baseline import Baseline, PinnedArm
from slalom.regression.replicates import Replicates
from tests.cli.studies import SMALL, here

EVERY_NIGHT = ("--cron", "0 3 * * *")


def pinned(file, study="small"):
    arm = PinnedArm("sgd", ({},), 0.1, Replicates((0.1,), (4,), ("a",)))
    nothing = {"versions": {}, "settings": {}, "text": ""}
    Baseline(study, "f", 0, "d", "error", "minimize", "cpu", arms=(arm,), **nothing).write(file)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path


def scheduled():
    return [shlex.split(one["arguments"]) for one in json.loads(here("schedule", "list", "--json").stdout)]


@pytest.mark.parametrize(
    ("further", "kept"),
    [
        ((), ["--baseline", "{}/small.baseline.json"]),
        (("--arguments=--baseline other.json",), ["--baseline", "other.json", "--baseline", "{}/other.json"]),
        (("--arguments=--max-seeds 9",), ["--max-seeds", "9", "--baseline", "{}/small.baseline.json"]),
    ],
)
def test_a_schedule_keeps_its_baseline_by_its_whole_path(folder, further, kept):
    for name in ("small.baseline.json", "other.json"):
        pinned(folder / name)
    assert here("schedule", "add", "small.yaml", *EVERY_NIGHT, *further).returncode == 0
    assert scheduled() == [[word.format(folder) for word in kept]]


def test_a_baseline_that_is_named_by_its_whole_path_is_kept_as_it_is(folder):
    pinned(folder / "a one.json")
    words = shlex.join(["--baseline", str(folder / "a one.json")])
    assert here("schedule", "add", "small.yaml", *EVERY_NIGHT, "--arguments", words).returncode == 0
    assert scheduled() == [["--baseline", str(folder / "a one.json")]]


def test_a_deployments_baselines_are_in_one_folder(folder, monkeypatch):
    """Of bundled studies and of files alike, and for each command that reads or writes one."""
    monkeypatch.setenv(BASELINES, str(folder / "pinned"))
    for study in ("small", "small.yaml", "elsewhere/small.yaml"):
        assert baseline_file(study, "small") == folder / "pinned/small.baseline.json"
    add = ("schedule", "add", "small.yaml", *EVERY_NIGHT)
    assert "there is no baseline " + str(folder / "pinned/small.baseline.json") in here(*add).stderr
    (folder / "pinned").mkdir()
    pinned(folder / "pinned/small.baseline.json")
    assert here(*add).returncode == 0
    assert scheduled() == [["--baseline", str(folder / "pinned/small.baseline.json")]]


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_trained(folder, monkeypatch):
    """As a folder that is mounted read-only cannot; root may write to any other."""
    monkeypatch.setenv(BASELINES, str(folder))
    monkeypatch.setattr(os, "access", lambda file, mode: not (mode == os.W_OK and Path(file) == folder))
    done = here("baseline", "set", "small.yaml")
    assert done.returncode == 2
    assert f"--output: {folder}/small.baseline.json cannot be written; name another file" in done.stderr
