"""`slalom baseline` and `slalom regress`, from a finished study to an alarm in every place where it is told."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from mlflow import MlflowClient

import slalom
from slalom import wiring
from slalom.errors import InputError
from slalom.records.on_mlflow.sqlite import finish_sqlite
from slalom.regression import hold as regression
from slalom.regression.baseline import Baseline
from slalom.regression.page import notes, sentence
from slalom.report.tables import chosen_text
from slalom.wiring import local_lanes
from slalom_worker.training import slot_schedules
from tests.cli.studies import SEARCHES, SMALL, here
from tests.support.mlflow_tables import database

SEEDS = 4
"""Pinned of each of the study's searches; it has confirmed half as many."""

TRAININGS = SEEDS * SEARCHES


@pytest.fixture(scope="module")
def pinned(tmp_path_factory):
    """A folder with a study, the home of its run, and its baseline."""
    folder = tmp_path_factory.mktemp("pinned")
    (folder / "small.yaml").write_text(SMALL)
    database(folder / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(wiring, "ray_lanes", lambda spec, address=None: local_lanes(spec))
        slalom.run("small.yaml", "home", lanes=local_lanes)
        done = here("baseline", "set", "small.yaml", "--home", "home", "--seeds", SEEDS)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "Pinned 6 searches with 4 seeds each of adam, sgd in small.baseline.json\n"
        yield folder


@pytest.fixture
def fault(monkeypatch):
    """Every learning rate is a fifth of what it was."""
    real = slot_schedules.learning_rates

    def slower(table, settings, device):
        return real(table, [{**one, "learning_rate": one["learning_rate"] / 5} for one in settings], device)

    monkeypatch.setattr(slot_schedules, "learning_rates", slower)


def runs(folder, kind):
    client = MlflowClient(f"sqlite:///{folder}/home/mlflow.db")
    (experiment,) = [one for one in client.search_experiments() if one.name == "small"]
    return client, client.search_runs([experiment.experiment_id], f"tags.`slalom.kind` = '{kind}'")


def alone(file):
    """An SQLite file without its write-ahead log, which another file of the name would be read with."""
    finish_sqlite(file)
    for end in ("-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    return file


def test_the_baseline_lies_beside_the_study_and_in_mlflow(pinned):
    baseline = Baseline.read(pinned / "small.baseline.json")
    spec = slalom.load(pinned / "small.yaml")
    assert (baseline.fingerprint, baseline.text, baseline.seed) == (spec.fingerprint, SMALL, spec.seed)
    assert (baseline.searches, baseline.seeds) == (SEARCHES, SEEDS)
    shown = slalom.show(spec, pinned / "home")
    for arm in shown.arms:
        assert baseline.arm(arm.name).params == arm.chosen
        found = baseline.arm(arm.name).found.values
        assert len(found) == TRAININGS
        for search, values in enumerate(arm.confirm.values):
            assert found[search::SEARCHES][: spec.confirm_seeds] == values
    client, (run,) = runs(pinned, "study")
    assert [one.path for one in client.list_artifacts(run.info.run_id) if "baseline" in one.path] == ["baseline.json"]
    for arm in ("sgd", "adam"):
        assert client.get_model_version_by_alias(f"small.{arm}", "baseline").tags["slalom.arm"] == arm
    printed = here("baseline", "show", "small.baseline.json").stdout
    assert "each arm: 6 searches with 4 seeds each, in stages of 12, 24 trainings" in printed
    assert f"  sgd: {chosen_text(baseline.arm('sgd').params)}\n" in printed


def test_unchanged_code_is_identical(pinned):
    same = here("regress", "small.yaml", "--home", "home", "--json", "--junit", "same.xml")
    assert same.returncode == 0
    found = json.loads(same.stdout)
    assert found["answer"] == "identical"
    assert {one["trainings"] for one in found["findings"] if one["metric"] != "cost"} == {12}
    assert found["changes"] == []
    client, (run,) = runs(pinned, "study")
    page = Path(client.download_artifacts(run.info.run_id, "report.html")).read_text()
    assert '<section id="nights"' in page, "the page beside the study's run has the night"
    assert ET.parse("same.xml").getroot()[0].attrib["failures"] == "0"


@pytest.mark.thorough
def test_a_regression_fails_the_command_the_report_and_the_run(pinned, fault):
    done = here("regress", "small.yaml", "--home", "home", "--junit", "b.xml", "--webhook", "http://127.0.0.1:9/x")
    assert done.returncode == 1
    told = here("regress", "small.yaml", "--home", "home", "--exit-code", "10", "--junit", "/dev/full")
    assert (told.returncode, "small: regressed" in told.stdout) == (10, True)
    assert told.stderr.endswith("slalom: --junit: cannot write /dev/full: No space left on device\n")
    assert "small: regressed (error of " in done.stdout
    assert "the webhook at 127.0.0.1 did not take the news" in done.stderr
    suite = ET.parse("b.xml").getroot()[0]
    failed = [case.attrib["name"] for case in suite if case.find("failure") is not None]
    assert "sgd: error" in failed
    assert suite.attrib["failures"] == str(len(failed))
    client, nights = runs(pinned, "regression")
    assert nights[0].data.tags["slalom.answer"] == "regressed"
    assert nights[0].info.status == "FAILED"
    assert nights[0].data.metrics["sgd/error"] > nights[0].data.metrics["sgd/error/baseline"]
    trend = client.download_artifacts(nights[0].info.run_id, "trend.svg")
    picture = ET.parse(trend).getroot()
    dots = [one for one in picture.iter("{http://www.w3.org/2000/svg}circle") if len(one)]
    assert len(dots) >= 4 * len(nights)
    assert f"{len(nights)} nights" in "".join(picture.itertext())


def test_a_study_goes_on_beside_its_nights(pinned):
    """A recorder that opens the study again leaves the nights' runs alone."""
    before = len(runs(pinned, "regression")[1])
    trials = pinned / "home" / "optuna.db"
    alone(trials).rename(trials.with_name("away.db"))
    try:
        slalom.run("small.yaml", "home", lanes=local_lanes)
    finally:
        trials.with_name("away.db").replace(alone(trials))
    assert len(runs(pinned, "regression")[1]) == before > 0


def test_a_changed_study_keeps_the_pinned_seeds_and_says_what_changed(pinned, tmp_path):
    file = tmp_path / "small.yaml"
    file.write_text(SMALL.replace("batch_size: 32", "batch_size: 16"))
    baseline, margins = Baseline.read(pinned / "small.baseline.json"), {"cost": 9.0}
    night = slalom.regress(file, baseline, pinned / "home", lanes=local_lanes, margins=margins, most=2)
    assert night.baseline.fingerprint != slalom.load(file).fingerprint
    names = {change.name for change in night.changes}
    assert {"study.arms.sgd.batch_size", "study.arms.adam.batch_size"} == names
    assert str(night.answer) in ("undecided", "equivalent")


def test_tuned_again_from_the_pinned_seeds_it_is_the_same(pinned):
    baseline = Baseline.read(pinned / "small.baseline.json")
    night = slalom.regress("small.yaml", baseline, "home", lanes=local_lanes, retune=True, most=2)
    assert (str(night.answer), night.changes) == ("identical", ())
    assert (night.design.by_search, night.design.stages) == (True, (2 * SEARCHES,))
    assert any(note.startswith("6 searches of each arm cannot raise an alarm") for note in notes(night))


def test_fewer_seeds_are_fewer_trainings_and_that_is_said(pinned):
    baseline = Baseline.read(pinned / "small.baseline.json")
    night = slalom.regress("small.yaml", baseline, "home", lanes=local_lanes, most=1)
    assert (str(night.answer), night.design.stages) == ("identical", (SEARCHES,))
    assert sentence(night) == "small: identical, 6 trainings of each arm."
    assert any(note.startswith("6 trainings of each arm cannot raise an alarm") for note in notes(night))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--margin", "loss=0.1"), "--margin must name one of error, epochs to target, cost, got 'loss'"),
        (("--margin", "error=-1"), "--margin error must be above 0"),
        (("--margin", "error=nan"), "--margin error must be above 0 and below 1e+300, got nan"),
        (("--margin", "cost=inf"), "--margin cost must be above 0 and below 1e+300, got inf"),
        (("--margin", "error=1e308"), "--margin error must be above 0 and below 1e+300, got 1e+308"),
        (("--junit", "nowhere/b.xml"), "--junit: there is no folder nowhere"),
        (("--webhook", "ftp://x"), "--webhook must be"),
        (("--baseline", "none.json"), "there is no baseline none.json"),
        (("--exit-code", "256"), "an exit code of its own is from 1 to 255, but got '256'"),
        (("--max-seeds", "0"), "--max-seeds must be at least 1"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_trained(pinned, arguments, message, monkeypatch):
    monkeypatch.setattr(regression, "_judged", None)
    done = here("regress", "small.yaml", "--home", "home", *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_other_studies_and_arms_are_refused(pinned, tmp_path):
    baseline = Baseline.read(pinned / "small.baseline.json")
    for old, new, message in (
        ("name: small", "name: other", "the baseline is of small"),
        ("adam: {optimizer: adam}", "amsgrad: {optimizer: amsgrad}", "has an arm adam"),
        ("sgd: {optimizer: sgd}", "sgd: {optimizer: sgd, momentum: {uniform: [0, 0.9]}}", "the arm sgd searches other"),
    ):
        file = tmp_path / "small.yaml"
        file.write_text(SMALL.replace(old, new))
        with pytest.raises(InputError, match=message):
            slalom.regress(file, baseline, tmp_path / "home", lanes=local_lanes)


def test_what_is_not_complete_or_no_longer_so_cannot_be_pinned(pinned, tmp_path, fault):
    with pytest.raises(InputError, match="nothing of small"):
        slalom.pin("small.yaml", tmp_path, lanes=local_lanes)
    with pytest.raises(InputError, match=r"today's code gives other numbers than the study found \(arms sgd, adam\)"):
        slalom.pin("small.yaml", "home", lanes=local_lanes)
