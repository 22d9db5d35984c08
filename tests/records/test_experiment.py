"""The layout of a study's runs in MLflow, and what each of them shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from slalom.records.on_mlflow import MlflowRecorder
from slalom.records.on_mlflow.pages.curves import MeanCurves
from slalom.records.on_mlflow.pages.study import MOST_STEPS, arm_page
from slalom.records.on_mlflow.pages.trial import MOST_POINTS, trial_page
from slalom.records.on_mlflow.pages.view import COLUMNS, ORDER, view
from slalom.verdict.effort import EffortCurve
from slalom.verdict.interval import Interval
from slalom.verdict.summary import State
from slalom.wire.trial import Outcome, Phase, Report, TrialId
from tests.records.recorded import client, record
from tests.support.record_samples import (
    FINGERPRINT,
    all_ended,
    describe,
    ended,
    runs_in,
    shown_in,
    study,
    summary,
    tuning_summary,
)


def test_layout(uri):
    shown = record(uri, ("trials", all_ended()), ("summary", summary()))
    assert sorted(shown) == sorted(
        [("momentum",)]
        + [("momentum", arm) for arm in ("constant", "rising")]
        + [
            ("momentum", arm, f"{arm} search {search} {phase} {number}")
            for arm in ("constant", "rising")
            for search in (0, 1)
            for phase in ("tune", "pick", "confirm")
            for number in (0, 1)
        ]
    )
    experiment = client(uri).get_experiment_by_name("momentum")
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    top = shown["momentum",]
    first, sentence = top["tags"]["mlflow.note.content"].split("\n\n")
    assert first == (
        "rising wins: test error 0.125 [0.100, 0.150]; against constant -0.020 [-0.030, -0.010], p = 0.01, better. "
        "[Mean curve of rising](#/experiments/1/runs/ID/model-metrics)"
    )
    assert sentence == "**rising beats constant.**"
    assert top["tags"]["slalom.question"] == "Does a rising momentum help?"
    assert top["params"]["compare.baseline"] == "constant"
    assert top["history"]["slot_utilisation"] == [(0, 0.9)]
    assert top["tags"]["slalom.winner"] == "rising"
    params = {"tune.searches": "2", "tune.pick.best": "2", "seed": "0", "split": "fixed", "confirm.seeds": "2"}
    assert params.items() <= top["params"].items()
    assert top["files"] == ["study.yaml"]
    assert top["status"] == "FINISHED"


def test_an_arm_shows_its_result(uri):
    arm = record(uri, ("summary", summary()))["momentum", "rising"]
    numbers = {name: points[-1][1] for name, points in arm["history"].items()}
    assert {name: numbers[name] for name in ("confirm.mean", "confirm.low", "difference.p", "tuning.best")} == {
        "confirm.mean": 0.125,
        "confirm.low": 0.1,
        "difference.p": 0.01,
        "tuning.best": 0.125,
    }
    assert "learning_rate" not in arm["params"], "each search has chosen one of its own"
    assert arm["params"]["momentum.schedule"] == "gradient_norm"
    assert arm["tags"]["mlflow.note.content"] == (
        "Test error 0.125 [0.100, 0.150] over 2 searches; -0.020 [-0.030, -0.010] against constant, p = 0.01."
    )


def test_an_arm_shows_its_curves_over_trials_and_searches(uri):
    history = record(uri, ("summary", summary()))["momentum", "rising"]["history"]
    assert history["effort/validation.error"] == [(1, 0.375), (2, 0.25)]
    assert history["effort/validation.error.low"] == [(1, 0.25), (2, 0.25)]
    assert history["searches/test.error"] == [(0, 0.125), (1, 0.55)], "a diverged training counts as the worst"


def test_curves_that_are_written_again_change_nothing(uri):
    once = record(uri, ("summary", summary()))
    assert record(uri, ("summary", summary()), ("summary", summary())) == once


def test_a_curve_that_changed_is_written_where_it_differs(uri):
    record(uri, ("summary", summary()))
    rising = summary().arms[1]
    longer = replace(rising.effort, mean=(0.375, 0.2, 0.1), band=(*rising.effort.band, Interval(0.1, 0.1)))
    later = replace(summary(), arms=(summary().arms[0], replace(rising, effort=longer)))
    history = record(uri, ("summary", later))["momentum", "rising"]["history"]
    assert history["effort/validation.error"] == [(1, 0.375), (2, 0.25), (2, 0.2), (3, 0.1)]
    assert history["effort/validation.error.low"] == [(1, 0.25), (2, 0.25), (3, 0.1)]


@pytest.mark.parametrize("trials", [101, 150, 1000, 1001])
def test_a_long_curve_is_thinned(trials):
    curve = tuple(1 / trial for trial in range(1, trials + 1))
    band = tuple(Interval(value, value) for value in curve)
    arm = replace(summary().arms[1], effort=EffortCurve((curve,), curve, band))
    steps = [point.step for point in arm_page(study(), arm).points if point.name == "effort/validation.error"]
    assert (steps[0], steps[-1]) == (1, trials)
    assert len(steps) <= MOST_STEPS + 2


def test_a_trial_shows_its_history(uri):
    shown = record(uri, ("trials", [ended("rising", 1, Phase.CONFIRM, search=1)]))
    trial = shown["momentum", "rising", "rising search 1 confirm 1"]
    assert trial["history"]["train.loss"] == [(epoch, 1 / epoch) for epoch in (1, 2, 3, 4)]
    assert trial["history"]["test.error"] == [(0, 0.125)], "a number of no epoch, which MLflow draws as a bar"
    assert trial["data"] == [("digits", "d" * 16)]
    expected = {"learning_rate": "1.1", "momentum.end": "0.9", "model": "mlp", "model.hidden": "[8]", "epochs": "4"}
    assert expected.items() <= trial["params"].items()
    tags = {
        "slalom.arm": "rising",
        "slalom.search": "1",
        "slalom.phase": "confirm",
        "slalom.trial": "1",
        "slalom.attempt": "1",
    }
    tags |= {"slalom.fingerprint": FINGERPRINT, "slalom.outcome": "complete", "slalom.lane": "lane-0"}
    assert tags.items() <= trial["tags"].items()
    (run,) = [run for run in runs_in(uri) if run.info.run_name == "rising search 1 confirm 1"]
    assert (run.info.start_time, run.info.end_time) == (1_700_000_001_000, 1_700_000_009_000)
    assert [point.timestamp for point in client(uri).get_metric_history(run.info.run_id, "train.loss")] == [
        1_700_000_003_000,
        1_700_000_005_000,
        1_700_000_007_000,
        1_700_000_009_000,
    ]


def test_outcomes(uri):
    trials = [ended(number=number, outcome=outcome) for number, outcome in enumerate(Outcome)]
    shown = record(uri, ("trials", trials[:3]), ("trials", [ended(number=3, outcome=Outcome.FAILED, error="boom")]))
    runs = [shown["momentum", "constant", f"constant search 0 tune {number}"] for number in range(4)]
    assert [run["status"] for run in runs] == ["FINISHED", "FINISHED", "FAILED", "FAILED"]
    assert [run["tags"]["slalom.outcome"] for run in runs] == list(Outcome)
    assert runs[3]["tags"]["slalom.error"] == "boom"


def test_numbers_that_are_not_finite_are_left_out():
    history = (Report(TrialId("constant", Phase.TUNE, 0), 1, 1, {"loss": 2.0, "norm": float("inf")}),)
    trial = ended(outcome=Outcome.DIVERGED, epochs=2, history=history, metrics={"loss": float("nan")})
    points = trial_page(FINGERPRINT, trial).points
    assert [point[:3] for point in points] == [("loss", 2.0, 1)], "of two, of which one is no number"


def test_a_long_history_fits_one_request():
    trial_id = TrialId("constant", Phase.TUNE, 0)
    history = tuple(Report(trial_id, 1, epoch, {"a": 1.0 * epoch, "b": 0.0, "c": 0.0}) for epoch in range(1, 4001))
    points = trial_page(FINGERPRINT, ended(epochs=4000, history=history, metrics=history[-1].metrics)).points
    steps = [point.step for point in points if point.name == "a"]
    assert len(points) <= MOST_POINTS
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (1, 4000)
    assert len(steps) > 300


def test_a_half_written_trial_is_written_again(uri):
    whole = record(uri, ("trials", [ended()]))
    (run,) = [run for run in runs_in(uri) if run.info.run_name == "constant search 0 tune 0"]
    client(uri).update_run(run.info.run_id, status="RUNNING")
    assert record(uri, ("trials", [ended(lane="other")])) != whole
    assert record(uri) == record(uri, ("trials", [ended(lane="third")]))


def test_a_study_run_goes_from_running_over_killed_to_finished(uri):
    states = [
        record(uri, ("summary", found))["momentum",]["status"]
        for found in (tuning_summary(), summary(State.INTERRUPTED), tuning_summary(2), summary())
    ]
    assert states == ["RUNNING", "KILLED", "RUNNING", "FINISHED"]


def test_one_number_is_no_curve(uri):
    record(uri, ("summary", tuning_summary(1)), ("trials", all_ended()))
    shown = record(uri, ("summary", tuning_summary(2)), ("summary", tuning_summary(2)), ("summary", summary()))
    arm = shown["momentum", "rising"]
    assert arm["history"]["tuning.best"] == [(0, 0.5), (0, 0.125)], "as it stood, one after the other"
    curves = {"curves", "effort", "searches"}
    for name, points in {**arm["history"], **shown["momentum",]["history"]}.items():
        steps = {step for step, _ in points}
        assert (len(steps) > 1) if name.split("/")[0] in curves else (steps == {0}), name
    counts = {"slalom.tuning.trials": "4", "slalom.tuning.pruned": "0", "slalom.confirm.searches": "2"}
    assert counts.items() <= arm["tags"].items()


def test_an_arm_shows_its_mean_curves(uri):
    trials = [with_errors("rising", number, search) for search in (0, 1) for number in (0, 1)]
    shown = record(uri, ("trials", [*trials, ended("rising")]), ("summary", summary()))
    history = shown["momentum", "rising"]["history"]
    assert history["curves/validation.error"] == [(epoch, 0.75 / epoch) for epoch in range(1, 5)]
    assert "curves/train.error" not in history, "nobody has reported it"
    assert not any(name.startswith("curves/") for name in shown["momentum", "constant"]["history"])


def test_a_mean_curve_has_a_band_where_the_searches_give_one():
    curves, arm = MeanCurves(study()), summary().arms[1]
    curves.add([with_errors("rising", number, search) for search in range(6) for number in (0, 1)])
    points = list(curves.points(replace(arm, confirm=replace(arm.confirm, searches=6))))
    by_name = {name: [point.value for point in points if point.name == name] for name in {one.name for one in points}}
    low, mean, high = (by_name[f"curves/validation.error{end}"] for end in (".low", "", ".high"))
    assert mean == [3.5 * 0.5 / epoch for epoch in range(1, 5)]
    assert all(one < middle < other for one, middle, other in zip(low, mean, high, strict=True))


def with_errors(arm, number, search):
    """A confirm trial whose errors are 0.5 by the epoch in search 0, twice that in search 1, and so on."""
    trial = TrialId(arm, Phase.CONFIRM, number, search)
    history = tuple(Report(trial, 1, epoch, {"validation.error": (search + 1) * 0.5 / epoch}) for epoch in range(1, 5))
    return ended(arm, number, Phase.CONFIRM, search=search, history=history)


def test_mlflow_lists_a_study_above_its_arms(uri):
    record(uri, ("trials", all_ended()), ("summary", summary()))
    newer = MlflowRecorder(uri, Path(uri.removeprefix("sqlite:///")).parent / "artifacts", study("9" * 64), describe)
    newer.close()
    found = client(uri).search_runs(["1"], view()["searchFilter"], order_by=[f"{ORDER} DESC"])
    assert [run.info.run_name for run in found] == ["momentum", "constant", "rising"] * 2
    assert {run.data.tags["slalom.fingerprint"] for run in found[:3]} == {"9" * 64}, "the newer study is on top"
    study_run, rising = found[3], found[5]
    below = f"tags.`mlflow.parentRunId` = '{study_run.info.run_id}'"
    children = client(uri).search_runs(["1"], below)
    assert [run.info.run_name for run in children] == ["constant", "rising"], "as MLflow lists them without an order"
    assert [rising.data.tags[column] for column in COLUMNS] == [
        "0.125 [0.100, 0.150], 1 diverged",
        "-0.020 [-0.030, -0.010]",
        "0.01 better",
        "0.90 [0.80, 1.00]",
    ]


def test_a_deleted_experiment_comes_back(uri):
    whole = record(uri, ("trials", all_ended()), ("summary", summary()))
    client(uri).delete_experiment(client(uri).get_experiment_by_name("momentum").experiment_id)
    assert runs_in(uri) == []
    assert record(uri, ("trials", all_ended()), ("summary", summary())) == whole


def test_a_run_that_is_restored_after_it_was_made_again_has_no_double(uri):
    calls = ("trials", all_ended()), ("summary", summary())
    whole = record(uri, *calls)
    deleted = [run.info.run_id for run in runs_in(uri) if run.info.run_name in {"rising", "rising search 0 pick 0"}]
    for run in deleted:
        client(uri).delete_run(run)
    assert record(uri, *calls) == whole, "both are made again"
    for run in deleted:
        client(uri).restore_run(run)
    assert len(runs_in(uri)) == len(whole) + len(deleted)
    assert record(uri, *calls) == whole


def test_a_deleted_study_run_leaves_no_orphans(uri):
    whole = record(uri, ("trials", all_ended()), ("summary", summary()))
    for run in runs_in(uri):
        if run.info.run_name in {"momentum", "rising"}:
            client(uri).delete_run(run.info.run_id)
    assert record(uri, ("trials", all_ended()), ("summary", summary())) == whole


def test_an_experiment_that_another_call_makes_meanwhile_is_taken(uri, monkeypatch):
    from mlflow import MlflowClient

    found = MlflowClient.get_experiment_by_name
    asked = []

    def late(self, name):
        """As a server answers that makes the experiment only after it was asked whether there is one."""
        asked.append(name)
        return None if len(asked) == 1 else found(self, name)

    whole = record(uri, ("trials", all_ended()), ("summary", summary()))
    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", late)
    assert record(uri, ("trials", all_ended()), ("summary", summary())) == whole
    assert len(asked) > 1


def test_runs_of_the_study_and_its_arms_that_a_server_makes_late_do_not_stay(uri, tmp_path):
    from slalom.records.on_mlflow.experiment import Experiment

    whole = record(uri, ("trials", all_ended()), ("summary", summary()))
    experiment = Experiment(uri, tmp_path / "artifacts", study())
    for run in runs_in(uri):
        if run.info.run_name in {"momentum", "rising"}:
            # the time is the caller's, so a late run may look like the older one
            client(uri).create_run(run.info.experiment_id, run.info.start_time - 1, run.data.tags, run.info.run_name)
    assert len(runs_in(uri)) == len(whole) + 2
    experiment.finish()
    assert shown_in(uri) == whole
