from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slalom.errors import InputError, StudyError
from slalom.study import (
    Choices,
    Compare,
    Inspected,
    IntRange,
    Metric,
    Pick,
    Range,
    Reading,
    Resources,
    Searches,
    Tune,
    read_study,
)
from slalom.wire.kinds import Integer
from slalom.wire.trial import Work

NONE = "none:     {momentum: 0.0}"

SMALLEST = """\
name: smallest
question: Which?
task: digits
training: {epochs: 3, learning_rate: 1}
arms:
  plain: {optimizer: sgd}
  adam: {optimizer: adam}
tune: {trials: 1}
confirm: {seeds: 6}
compare: {baseline: plain}
"""


MODEL = {"name": "mlp", "hidden": (32,), "activation": "tanh", "bias": True}


def test_the_example_of_the_design(edited, example, inspector, tmp_path):
    study = edited()
    assert study.name == "momentum-schedules"
    assert study.question.startswith("Does raising momentum")
    assert study.work("none", study.arm("none").settings, 0) == Work(
        task={"name": "digits", "rare": (), "rare_fraction": 0.1},
        model=MODEL,
        batch_size=32,
        precision="float32",
    )
    assert (study.epochs, study.report_every) == (40, 1)
    assert study.metric == Metric("error", "minimize", 1.0)
    assert study.tune == Tune(
        32, "tpe", "successive_halving", factor=3, generation=8, searches=Searches(10, 10), pick=Pick(4, 3)
    )
    assert (study.seed, study.resampled, study.loads_splits) == (0, True, False)
    assert study.confirm_seeds == 30
    assert study.compare == Compare("constant", 0.05, margin=None)
    assert study.resources == Resources()
    assert study.facts == {"bayes_error": 0.2}
    assert study.text == example
    assert len(study.fingerprint) == 64
    assert inspector.seen == [(study.task, tmp_path)]


def test_the_arms_of_the_example_are_resolved(edited):
    study = edited()
    shared = {
        "model": MODEL,
        "batch_size": 32,
        "drop_last": False,
        "order": "each_epoch",
        "loss": {"name": "cross_entropy", "label_smoothing": 0.0},
        "preprocess": "none",
        "evaluation": {"by": "whole"},
        "augmentation": {"method": "none"},
        "initialization": {"scheme": "fan_in"},
        "optimizer": "sgd",
        "learning_rate": Range(1e-3, 1.0, log=True),
        "learning_rate_schedule": {"schedule": "constant"},
        "layer_rates": 1.0,
        "clip_norm": None,
        "weight_decay": {"of": "mean", "value": Range(1e-6, 1e-2, log=True)},
        "decay_biases": True,
        "input_dropout": 0.0,
        "hidden_dropout": 0.0,
        "emphasis": {"scheme": "uniform"},
        "early_stopping": {"by": "none"},
        "ensemble": {"combine": "none"},
    }
    assert {arm.name: arm.settings for arm in study.arms} == {
        "none": {**shared, "momentum": {"schedule": "constant", "value": 0.0}},
        "constant": {**shared, "momentum": {"schedule": "constant", "value": 0.9}},
        "rising": {**shared, "momentum": {"schedule": "gradient_norm", "start": 0.5, "end": 0.9}},
        "tuned": {**shared, "momentum": {"schedule": "constant", "value": Range(0.0, 0.99)}},
    }
    assert [list(arm.space) for arm in study.arms] == 3 * [["learning_rate", "weight_decay"]] + [
        ["learning_rate", "momentum", "weight_decay"]
    ]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("{members: 25, bagging: true}", {"combine": "mean", "members": 25, "bagging": True}),
        ("{members: 2}", {"combine": "mean", "members": 2, "bagging": False}),
        ("{combine: vote, members: 3}", {"combine": "vote", "members": 3, "bagging": False}),
        ("none", {"combine": "none"}),
        ("{combine: none}", {"combine": "none"}),
    ],
)
def test_an_ensemble_is_its_mean_unless_it_votes(edited, written, read):
    arms = edited(("none:     {momentum: 0.0}", f"none: {{momentum: 0.0, ensemble: {written}}}"))
    assert arms.arm("none").settings["ensemble"] == read
    shared = edited(("optimizer: sgd", f"optimizer: sgd, ensemble: {written}"))
    assert {tuple(arm.settings["ensemble"].items()) for arm in shared.arms} == {tuple(read.items())}


def test_defaults(reading: Reading):
    study = read_study(SMALLEST, "study.yaml", reading)
    plain, adam = study.arms
    assert plain.settings["learning_rate"] == 1.0
    assert isinstance(plain.settings["learning_rate"], float)
    assert plain.settings["momentum"] == {"schedule": "constant", "value": 0.0}
    assert plain.space == {}
    assert "momentum" not in adam.settings
    assert {name: adam.settings[name] for name in ("beta1", "beta2", "epsilon")} == {
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
    }
    assert plain.settings["model"] == MODEL
    assert (plain.settings["batch_size"], study.precision) == (32, "float32")
    assert study.record == ()
    assert study.metric == Metric("error", "minimize", 1.0)
    assert study.tune == Tune(1, searches=Searches(10, 10), pick=Pick(4, 3))
    assert (study.seed, study.resampled) == (0, True)
    assert study.compare == Compare("plain", 0.05)
    assert study.resources == Resources()


@pytest.mark.parametrize(
    ("written", "read", "stages"),
    [
        ("3", Searches(3, 3), (3,)),
        ("{until: count, value: 3}", Searches(3, 3), (3,)),
        ("{until: decided}", Searches(10, 40), (10, 20, 40)),
        ("{at_least: 6, at_most: 20, until: decided}", Searches(6, 20), (6, 12, 20)),
        ("{at_least: 12, at_most: 12, until: decided}", Searches(12, 12), (12,)),
    ],
)
def test_searches_are_a_number_or_added_until_the_study_is_decided(edited, written, read, stages):
    found = edited(("trials: 32", f"trials: 32, searches: {written}")).tune.searches
    assert (found, found.stages) == (read, stages)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("none", Pick(1, 1)),
        ("{by: none}", Pick(1, 1)),
        ("mean", Pick(4, 3)),
        ("{best: 2}", Pick(2, 3)),
        ("{seeds: 5}", Pick(4, 5)),
        ("{by: mean, best: 3, seeds: 1}", Pick(3, 1)),
    ],
)
def test_a_pick_is_of_the_best_few_by_their_mean_or_none(edited, written, read):
    assert edited(("trials: 32", f"trials: 32, pick: {written}")).tune.pick == read


@pytest.mark.parametrize(
    ("written", "splits", "resampled", "loads"),
    [
        ("", "drawn", True, False),
        ("", "loaded", True, True),
        ("", "one", False, False),
        ("resample: {split: auto}", "drawn", True, False),
        ("resample: {split: each_search}", "loaded", True, True),
        ("resample: {split: fixed}", "drawn", False, False),
        ("resample: {split: fixed}", "loaded", False, True),
    ],
)
def test_searches_are_split_anew_where_the_task_has_more_than_one_split(
    edited, reading: Reading, written, splits, resampled, loads
):
    """What is drawn is a seed of the trial's, what is loaded a part of its program; fixed it is the task's own."""
    answer = Inspected("0" * 64, splits=splits)
    study = edited(
        ("confirm:", f"{written}\nconfirm:"),
        reading=Reading(reading.folder, reading.catalogue, lambda *_: answer),
    )
    assert (study.resampled, study.loads_splits) == (resampled, loads)
    arm = study.arms[0]
    assert [study.work(arm.name, arm.settings, search).split for search in (0, 3)] == (
        [0, 3] if resampled and loads else [None, None]
    )
    assert [study.split(search) is None for search in (0, 3)] == 2 * [not resampled or loads]
    assert study.split(0) != study.split(3) or not resampled or loads


def test_seed_and_margin_are_read(edited):
    study = edited(("confirm:", "seed: 7\nconfirm:"), ("alpha: 0.05", "alpha: 0.01, margin: 0.002"))
    assert (study.seed, study.compare) == (7, Compare("constant", 0.01, margin=0.002))
    assert edited(("alpha: 0.05", "margin: none")).compare == Compare("constant", 0.05, None)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Searches(0, 3), "at_least must be at least 1, got 0"),
        (lambda: Searches(4, 3), "at_least must be at most at_most=3, got 4"),
        (lambda: Pick(0, 1), "best must be at least 1, got 0"),
        (lambda: Pick(2, 0), "seeds must be at least 1, got 0"),
    ],
)
def test_no_impossible_searches_can_be_made(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(("written", "every"), [("", None), ("checkpoint: {every: 2}\n", 2)])
def test_checkpoints_are_kept_where_the_study_says_so(written, every, reading):
    study = read_study(SMALLEST + written, "study.yaml", reading)
    assert (study.checkpoint_every, study.checkpoints) == (every, None)


@pytest.mark.parametrize(("epochs", "every"), [(1, 1), (100, 1), (101, 2), (1000, 10)])
def test_a_trial_reports_about_a_hundred_times_unless_the_study_says(epochs, every, reading):
    study = read_study(SMALLEST.replace("epochs: 3", f"epochs: {epochs}"), "study.yaml", reading)
    assert study.report_every == every


@pytest.mark.parametrize(
    ("written", "resolved"),
    [
        ("0.5", {"schedule": "constant", "value": 0.5}),
        ("-0.0", {"schedule": "constant", "value": 0.0}),
        ("constant", {"schedule": "constant", "value": 0.0}),
        ("sutskever", {"schedule": "sutskever", "end": 0.9}),
        ("{schedule: gradient_norm, end: 0.8}", {"schedule": "gradient_norm", "start": 0.5, "end": 0.8}),
        ("{choice: [0, 0.9]}", {"schedule": "constant", "value": Choices((0.0, 0.9))}),
        ("{schedule: constant, value: {uniform: [0, 0.9]}}", {"schedule": "constant", "value": Range(0.0, 0.9)}),
    ],
)
def test_a_momentum_is_normalised(written, resolved, edited):
    arm = edited(("  constant: {momentum: 0.9}\n", ""), (NONE, f"constant: {{momentum: {written}}}")).arm("constant")
    assert arm.settings["momentum"] == resolved
    assert str(arm.settings["momentum"]) == str(resolved)


def test_searched_options_have_dotted_names(edited):
    arm = edited(
        (
            NONE,
            "none: {momentum: {schedule: gradient_norm, start: {uniform: [0.1, 0.6]}}, "
            "learning_rate_schedule: {schedule: cosine, end: {log: [0.01, 1]}}, "
            "emphasis: {scheme: class_balanced, strength: {int: [0, 2]}}, decay_biases: {choice: [true, false]}}",
        )
    ).arm("none")
    assert arm.space == {
        "decay_biases": Choices((True, False)),
        "emphasis.strength": IntRange(0, 2),
        "learning_rate": Range(1e-3, 1.0, log=True),
        "learning_rate_schedule.end": Range(0.01, 1.0, log=True),
        "momentum.start": Range(0.1, 0.6),
        "weight_decay": Range(1e-6, 1e-2, log=True),
    }
    assert list(arm.space) == sorted(arm.space)


def test_an_arm_s_own_setting_goes_before_the_shared_one(edited):
    study = edited(
        ("optimizer: sgd", "optimizer: sgd, hidden_dropout: 0.5"),
        (NONE, "none: {hidden_dropout: 0, weight_decay: 0}"),
    )
    assert study.arm("none").settings["hidden_dropout"] == 0.0
    assert study.arm("none").settings["weight_decay"] == {"of": "mean", "value": 0.0}
    assert "weight_decay" not in study.arm("none").space
    assert study.arm("constant").settings["hidden_dropout"] == 0.5


def test_a_momentum_searched_in_every_arm_is_a_constant_one(reading):
    text = SMALLEST.replace("adam}", "momentum, emphasis: class_balanced}") + "search: {momentum: {uniform: [0, 0.9]}}"
    study = read_study(text, "study.yaml", reading)
    for arm in study.arms:
        assert arm.settings["momentum"] == {"schedule": "constant", "value": Range(0.0, 0.9)}
        assert arm.space == {"momentum": Range(0.0, 0.9)}


def test_an_optimizer_s_whole_number_is_searched_as_one(reading):
    catalogue = replace(
        reading.catalogue, optimizers={**reading.catalogue.optimizers, "adam": {"window": Integer(5, 1, 100)}}
    )
    reading = replace(reading, catalogue=catalogue)
    text = SMALLEST.replace("adam}", "adam, window: {int: [1, 9]}}")
    assert read_study(text, "study.yaml", reading).arm("adam").space == {"window": IntRange(1, 9)}
    with pytest.raises(StudyError, match=r"window must be a whole number in \[1, 100\], which 'uniform' cannot draw"):
        read_study(text.replace("int", "uniform"), "study.yaml", reading)


@pytest.mark.parametrize(("trials", "generation"), [(4, 8), (32, 8), (64, 8), (65, 9), (512, 64)])
def test_a_long_search_has_larger_generations(edited, trials, generation):
    study = edited(("trials: 32", f"trials: {trials}"))
    assert study.tune.generation == generation


def test_other_words_and_sections(edited):
    study = edited(
        ("batch_size: 32", "batch_size: all, precision: float64, report_every: 5, record: [gradient]"),
        ("metric: {name: error, goal: minimize}", "metric: accuracy"),
        ("sampler: tpe, pruner: successive_halving", "sampler: qmc, pruner: none, generation: 4"),
        ("lanes: auto, gpus_per_lane: 1, pack_width: auto", "lanes: 2, gpus_per_lane: 0.25, pack_width: 16"),
        ("pack_width: 16", "pack_width: 16, trial_timeout: 90"),
    )
    assert all(arm.settings["batch_size"] is None for arm in study.arms)
    assert (study.precision, study.report_every) == ("float64", 5)
    assert study.record == ("gradient",)
    assert study.metric == Metric("accuracy", "maximize", 0.0)
    assert (study.tune.sampler, study.tune.pruner, study.tune.generation) == ("qmc", "none", 4)
    assert study.resources == Resources(lanes=2, gpus_per_lane=0.25, pack_width=16, trial_timeout=90.0)


def test_an_option_of_a_task_without_a_default_may_be_left_out(edited):
    assert edited(("task: digits", "task: files")).task == {"name": "files", "limit": 1.0}
    given = edited(("task: digits", "task: {name: files, data: ../here}"))
    assert given.task == {"name": "files", "data": "../here", "limit": 1.0}


def test_a_user_s_task_starts_from_the_study_s_folder(edited, inspector, tmp_path):
    (tmp_path / "cats.py").write_text("class Cats: ...")
    task = {"name": "cats.py:Cats", "colours": ("red", {"share": 0.5}), "data": "pictures"}
    study = edited(("task: digits", "task: {name: cats.py:Cats, colours: [red, {share: 0.5}], data: pictures}"))
    assert study.task == task
    assert study.code == (Path("cats.py"),)
    assert inspector.seen == [(task, tmp_path)]
    with pytest.raises(StudyError, match=r"study\.yaml:3:40: share must be finite, got inf"):
        edited(("task: digits", "task: {name: cats.py:Cats, o: [{share: .inf}]}"))


def test_a_user_s_file_may_stand_in_a_folder_within_the_study_s(edited, inspector, tmp_path):
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "cats.py").write_text("class Cats: ...")
    study = edited(("task: digits", "task: pets/cats.py:Cats"))
    assert (study.task, study.folder) == ({"name": "pets/cats.py:Cats"}, tmp_path)
    assert inspector.seen == [(study.task, tmp_path)]


def test_a_user_s_file_stands_anywhere_in_the_study_s_folder(edited, tmp_path):
    (tmp_path / "a b.py").write_text("class Cats: ...")
    study = edited(("task: digits", f"task: '{tmp_path}/a b.py:Cats'"))
    assert (study.code, study.task["name"]) == ((Path("a b.py"),), "a b.py:Cats")
    with pytest.raises(StudyError, match=r"must lie in the study's folder, which travels to the nodes, but got '\.\./"):
        edited(("task: digits", "task: ../cats.py:Cats"))


def test_new_resources_leave_the_study_what_it_is(edited):
    study = edited()
    changed = study.with_resources(lanes=4)
    assert changed.resources.lanes == 4
    assert changed.fingerprint == study.fingerprint


def refusal(text: str, reading: Reading) -> str | None:
    """What a study is refused with, or None where it is read."""
    try:
        read_study(text, "study.yaml", reading)
    except StudyError as exc:
        return str(exc)
    return None


FUZZ = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(st.data())
def test_a_mangled_study_is_read_or_refused_with_its_place(example, catalogue, data):
    start = data.draw(st.integers(0, len(example)))
    end = data.draw(st.integers(start, min(start + 12, len(example))))
    put = data.draw(
        st.sampled_from(["", " ", "\n", "\t", "{", "}", "[", ",", ": ", "- ", "'", "&a ", "*a", "1e999", "~"])
    )
    reading = Reading(Path(), catalogue, lambda *_: Inspected("0" * 64))
    said = refusal(example[:start] + put + example[end:], reading)
    assert said is None or re.match(r"study\.yaml:\d+:\d+: ", said)


@FUZZ
@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \n:{}[],-#&*!|>'\"%@`\t")))
def test_any_text_is_refused_with_a_place(text):
    with pytest.raises(StudyError, match=r"^study\.yaml:\d+:\d+: "):
        read_study(text, "study.yaml", Reading(Path(), None, None))
