"""Studies whose trials a function of the user's trains: what its signature takes may be set, and nothing else."""

from dataclasses import replace

import pytest

from slalom.errors import StudyError
from slalom.study.model import Metric, Resources
from slalom.study.ranges import Choices, IntRange, Range
from slalom.study.trials import trial_spec
from slalom.wire.trial import Phase, TrialId
from tests.study.replaced import reader

FILE = """
def train(trial, width=16, *, rate, name="adam", hidden=(8, 8), depth=None):
    ...

def anything(trial, **given):
    ...

def nothing():
    ...

class Callable:
    def __call__(self, trial, rate):
        ...

ready = Callable()
number = 3
"""

STUDY = """\
name: own
question: Does it?
task: own.py:train
training: {epochs: 9, name: sgd}
metric: {name: f1, goal: maximize}
search:
  rate: {log: [1e-3, 1.0]}
arms:
  narrow: {}
  wide: {width: {int: [32, 64]}, rate: 0.5}
tune: {trials: 9}
confirm: {seeds: 2}
compare: {baseline: narrow}
"""


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Reads the study after replacements, each of which must apply."""
    return reader(tmp_path, monkeypatch, "own", FILE, STUDY)


def test_settings_are_the_function_s_parameters(read):
    narrow, wide = read().arms
    assert narrow.settings == {"width": 16, "rate": Range(1e-3, 1.0, log=True), "name": "sgd", "hidden": (8, 8)}
    assert wide.settings == {"width": IntRange(32, 64), "rate": 0.5, "name": "sgd", "hidden": (8, 8)}
    assert (narrow.space.keys(), wide.space.keys()) == ({"rate"}, {"width"})


def test_what_it_is_beside_its_arms(read):
    spec = read()
    assert spec.own_training
    assert (spec.resampled, spec.loads_splits, spec.metric) == (True, True, Metric("f1", "maximize"))
    assert spec.resources == Resources(device="cpu", pack_width=1, cpus_per_lane=1.0)
    assert spec.work("narrow", {}, 3).split == 3
    assert not read(("confirm:", "resample: {split: fixed}\nconfirm:")).resampled


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("{uniform: [1, 2]}", Range(1.0, 2.0)),
        ("{log: [0.5, 2]}", Range(0.5, 2.0, log=True)),
        ("{int: [-3, 3]}", IntRange(-3, 3)),
        ("{choice: [adam, 0.5, true]}", Choices(("adam", 0.5, True))),
        ("[1, [2, 3]]", (1, (2, 3))),
        ("-0.5", -0.5),
        ("true", True),
    ],
)
def test_a_parameter_takes_any_value_and_any_distribution(written, value, read):
    assert read(("width: {int: [32, 64]}", f"width: {written}")).arm("wide").settings["width"] == value


def test_a_function_that_takes_any_name(read):
    spec = read(("own.py:train", "own.py:anything"), ("width: ", "momentum: "))
    assert spec.arm("wide").settings == {"momentum": IntRange(32, 64), "rate": 0.5, "name": "sgd"}


def test_options_of_the_task_are_settings_like_others(read):
    spec = read(
        ("task: own.py:train", "task: {name: 'own.py:train', width: 8}"),
        ("width: {int: [32, 64]}", "task: {width: 9}"),
    )
    assert [arm.settings["width"] for arm in spec.arms] == [8, 9]
    assert spec.task == {"name": "own.py:train"}
    by_name = read((", name: sgd", ", name: sgd, width: 8"), ("width: {int: [32, 64]}", "width: 9"))
    assert by_name.fingerprint == spec.fingerprint


def test_names_that_packs_know_are_the_function_s_own(read):
    spec = read(
        ("own.py:train", "own.py:anything"), ("width: {int: [32, 64]}", "batch_size: {int: [1, 9]}, ensemble: 3")
    )
    wide = spec.arm("wide")
    trial = trial_spec(spec, TrialId("wide", Phase.TUNE, 0), {"batch_size": 4})
    assert (wide.nets, trial.settings) == (1, {"batch_size": 4, "ensemble": 3, "rate": 0.5, "name": "sgd"})


def test_a_callable_object(read):
    assert read(("own.py:train", "own.py:ready"), (", name: sgd", ""), ("width: {int: [32, 64]}, ", "")).own_training


@pytest.mark.parametrize(
    ("metric", "found"),
    [
        ("error", Metric("error", "minimize")),
        ("{name: accuracy}", Metric("accuracy", "maximize")),
        ("{name: loss, goal: maximize}", Metric("loss", "maximize")),
    ],
)
def test_usual_metrics_need_no_goal(metric, found, read):
    assert read(("{name: f1, goal: maximize}", metric)).metric == found


def test_resources_are_of_a_trial(read):
    section = "{lanes: 2, cpus_per_trial: 4, gpus_per_trial: 0.5, trial_timeout: 60, outage_limit: 60}"
    on_gpu = Resources(lanes=2, device="gpu", gpus_per_lane=0.5, pack_width=1, cpus_per_lane=4.0)
    found = read(("confirm:", f"resources: {section}\nconfirm:")).resources
    assert found == replace(on_gpu, trial_timeout=60.0, outage_limit=60.0)


def test_the_fingerprint_holds_the_file_and_the_settings(read, tmp_path):
    first = read().fingerprint
    assert read(("rate: 0.5", "rate: 0.6")).fingerprint != first
    assert read(("confirm:", "resources: {cpus_per_trial: 4}\nconfirm:")).fingerprint == first
    (tmp_path / "own.py").write_text(FILE + "\n")
    assert read().fingerprint != first


REFUSED = {
    "unknown in an arm": (("width: {int", "widht: {int"), [":10:10: ", "arm wide", "'widht'", "did you mean 'width'?"]),
    "unknown in search": (("  rate: {log", "  rat: {log"), [":7:3: ", "search", "'rat'", "did you mean 'rate'?"]),
    "unknown in training": ((", name: sgd", ", nam: sgd"), ["training", "'nam'", "did you mean 'name'?"]),
    "of packs": ((", name: sgd", ", batch_size: 32"), ["training", "'batch_size'"]),
    "checkpoints of packs": (
        ("training: {epochs", "checkpoint: {every: 2}\ntraining: {epochs"),
        ["checkpoint must be left out where a function of your own trains", "{every: 2}"],
    ),
    "missing": (("search:\n  rate: {log: [1e-3, 1.0]}\n", ""), ["arm narrow needs a rate", "no default"]),
    "search without a distribution": (("rate: {log: [1e-3, 1.0]}", "rate: 0.1"), ["must be a distribution", "0.1"]),
    "set twice": (("name: sgd", "rate: 0.1"), ["rate must be set once", "4:"]),
    "a mapping": (("rate: 0.5", "rate: {low: 1}"), ["rate has the unknown distribution 'low'"]),
    "infinite": (("rate: 0.5", "rate: .inf"), ["rate must be a finite number"]),
    "no whole end": (("[32, 64]", "[32, 64.5]"), ["must be a whole number", "64.5"]),
    "twins": (("wide: {width: {int: [32, 64]}, rate: 0.5}", "wide: {width: 16}"), ["arms must differ"]),
    "a model": (("arms:", "model: mlp\narms:"), ["model must be left out"]),
    "unknown in the task": (("task: own.py:train", "task: {name: 'own.py:train', rat: 1}"), [":3:", "mean 'rate'?"]),
    "in the task and searched": (
        ("task: own.py:train", "task: {name: 'own.py:train', rate: 1}"),
        ["rate must be set once"],
    ),
    "twice in an arm": (("rate: 0.5", "rate: 0.5, task: {rate: 1}"), ["rate must be set once, got it in arm wide"]),
    "no such name": (("own.py:train", "own.py:trian"), ["class or a function 'trian'", "did you mean 'train'?"]),
    "no function": (("own.py:train", "own.py:number"), ["class or a function 'number'", "got 3"]),
    "no parameter for the trial": (("own.py:train", "own.py:nothing"), ["must take the trial as its first parameter"]),
    "metric without a goal": (("{name: f1, goal: maximize}", "f1"), ["metric f1 needs 'goal'"]),
    "metric with a wrong goal": (("goal: maximize", "goal: maximise"), ["'maximise'", "did you mean 'maximize'?"]),
    "no metric": (("metric: {name: f1, goal: maximize}\n", ""), ["needs `metric`"]),
    "metric's name": (("name: f1", "name: f 1"), ["metric's name must be", "'f 1'"]),
    "resources of packs": (("confirm:", "resources: {gpus_per_lane: 1}\nconfirm:"), ["of packs", "gpus_per_trial"]),
    "GPUs and a half": (("confirm:", "resources: {gpus_per_trial: 1.5}\nconfirm:"), ["whole number where", "1.5"]),
    "no cores": (("confirm:", "resources: {cpus_per_trial: 0}\nconfirm:"), ["cpus_per_trial", "[1, 1024]", "0"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_refused_with_its_place(case, read):
    replacement, words = REFUSED[case]
    with pytest.raises(StudyError) as caught:
        read(replacement)
    assert [word for word in words if word not in str(caught.value)] == []
    assert str(caught.value).startswith("own.yaml:")


def test_resources_of_a_trial_are_refused_where_packs_train(read):
    with pytest.raises(StudyError, match="cpus_per_trial is of a training function of your own"):
        read(
            ("task: own.py:train", "task: digits"),
            (", name: sgd", ", optimizer: sgd"),
            ("{name: f1, goal: maximize}", "error"),
            ("  rate:", "  learning_rate:"),
            ("  wide: {width: {int: [32, 64]}, rate: 0.5}", "  wide: {momentum: 0.5}"),
            ("optimizer: sgd", "optimizer: momentum"),
            ("confirm:", "resources: {cpus_per_trial: 2}\nconfirm:"),
        )


def test_what_no_arm_uses_is_refused(read):
    with pytest.raises(StudyError, match="name under training has no effect, every arm sets its own"):
        read(("narrow: {}", "narrow: {name: a}"), ("rate: 0.5}", "rate: 0.5, name: b}"))
