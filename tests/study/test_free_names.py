"""What a user's own net and task take is set by its name, like any setting; what neither takes is refused."""

import pytest

import slalom
from slalom.errors import StudyError
from slalom.study.ranges import Choices, IntRange, Range
from slalom.study.trials import trial_spec
from slalom.wire.trial import Phase, TrialId
from slalom.wiring import local_lanes
from tests.study.replaced import reader
from tests.support.mlflow_tables import database

FILE = """
import numpy as np
from torch import nn

from slalom_worker.tasks import Data, Split


class Rings:
    def __init__(self, noise=0.2, size=1.0):
        self.noise, self.size = noise, size

    def load(self):
        if self.noise < 0:
            raise ValueError("noise must not be negative")
        random = np.random.default_rng(0)
        return Data(*(self.split(random, count) for count in (60, 40, 40)), classes=2)

    def split(self, random, count):
        labels = np.arange(count) % 2
        inputs = (self.size + labels)[:, None] + random.normal(0, self.noise, (count, 2))
        return Split(inputs.astype(np.float32), labels)

    def model(self, width=16, size=None, depth=1):
        return nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 2))


class Open(Rings):
    def model(self, **structure):
        return super().model(**structure)


class Demanding(Rings):
    def model(self, width):
        return super().model(width)
"""

STUDY = """\
name: rings
question: Does it?
task: {name: "rings.py:Rings", noise: 0.3}
training: {epochs: 2, batch_size: 20, optimizer: momentum}
search:
  learning_rate: {log: [1e-3, 1e-1]}
arms:
  plain: {}
  wide: {momentum: 0.5}
tune: {trials: 2, searches: 2, pick: none}
confirm: {seeds: 2}
compare: {baseline: plain}
resources: {pack_width: 4}
"""

SEARCH = "  learning_rate: {log: [1e-3, 1e-1]}"


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Reads the study after replacements, each of which must apply."""
    return reader(tmp_path, monkeypatch, "rings", FILE, STUDY)


def own(name, spec, arm):
    return {option: value for option, value in spec.arm(arm).settings[name].items() if option != "name"}


def test_a_net_s_parameter_is_searched_by_its_name(read):
    spec = read((SEARCH, f"{SEARCH}\n  width: {{int: [8, 64]}}"), ("momentum: 0.5", "width: 4"))
    assert own("model", spec, "plain") == {"width": IntRange(8, 64), "depth": 1}
    assert own("model", spec, "wide") == {"width": 4, "depth": 1}
    assert [*spec.arm("plain").space] == ["learning_rate", "model.width"]
    trial = trial_spec(spec, TrialId("plain", Phase.TUNE, 0), {"learning_rate": 0.1, "model.width": 9})
    assert trial.work.model == {"name": "task", "width": 9, "depth": 1}
    assert trial.work.task == {"name": "rings.py:Rings", "noise": 0.3}


@pytest.mark.thorough
def test_it_may_stand_under_model_too(read):
    spec = read(
        ("training:", "model: {width: {choice: [4, 8]}}\ntraining:"),
        ("plain: {}", "plain: {model: {depth: 2}}"),
        ("momentum: 0.5", "model: {width: 4}"),
    )
    assert own("model", spec, "plain") == {"width": Choices((4, 8)), "depth": 2}
    assert own("model", spec, "wide") == {"width": 4, "depth": 1}


def test_both_ways_are_the_same_study(read):
    by_name = read(("momentum: 0.5", "width: 4")).fingerprint
    assert by_name == read(("momentum: 0.5", "model: {width: 4}")).fingerprint
    assert by_name != read(("momentum: 0.5", "width: 5")).fingerprint


def test_a_task_s_option_is_an_arm_s_or_searched(read):
    spec = read((SEARCH, f"{SEARCH}\n  noise: {{uniform: [0.1, 0.2]}}"), ("momentum: 0.5", "task: {noise: 0.5}"))
    assert own("task", spec, "plain") == {"noise": Range(0.1, 0.2), "size": 1.0}
    assert own("task", spec, "wide") == {"noise": 0.5, "size": 1.0}
    trial = trial_spec(spec, TrialId("plain", Phase.TUNE, 0), {"learning_rate": 0.1, "task.noise": 0.15})
    assert trial.work.task == {"name": "rings.py:Rings", "noise": 0.15, "size": 1.0}
    assert "task" not in trial.settings


@pytest.mark.thorough
def test_an_arm_has_the_study_s_options_of_the_task_unless_it_sets_others(read):
    spec = read(("momentum: 0.5", "noise: 0.5"))
    assert [own("task", spec, arm)["noise"] for arm in ("plain", "wide")] == [0.3, 0.5]
    assert "task" not in read().arm("plain").settings


@pytest.mark.thorough
def test_a_net_that_takes_any_name(read):
    spec = read(("rings.py:Rings", "rings.py:Open"), ("momentum: 0.5", "model: {width: {int: [2, 4]}}"))
    assert own("model", spec, "wide") == {"width": IntRange(2, 4)}


@pytest.mark.thorough
def test_a_net_that_must_be_given_its_width(read):
    demanding = ("rings.py:Rings", "rings.py:Demanding")
    spec = read(demanding, (SEARCH, f"{SEARCH}\n  width: {{int: [8, 64]}}"))
    assert own("model", spec, "wide") == {"width": IntRange(8, 64)}
    with pytest.raises(StudyError, match="model task needs 'width'"):
        read(demanding)


REFUSED = {
    "unknown in search": ((SEARCH, f"{SEARCH}\n  widht: {{int: [8, 64]}}"), [":7:3: ", "'widht'", "mean 'width'?"]),
    "unknown in an arm": (("momentum: 0.5", "widht: 4"), [":9:10: ", "arm wide", "'widht'", "mean 'width'?"]),
    "unknown in model": (("momentum: 0.5", "model: {widht: 4}"), ["model task", "'widht'", "mean 'width'?"]),
    "unknown in the task": (("noise: 0.3", "niose: 0.3"), [":3:", "'niose'", "mean 'noise'?"]),
    "unknown in an arm's task": (("momentum: 0.5", "task: {niose: 1}"), ["'niose'", "mean 'noise'?"]),
    "of both": (("momentum: 0.5", "size: 4"), ["size is taken by the task and by its model()"]),
    "twice in an arm": (("momentum: 0.5", "width: 4, model: {width: 5}"), ["width must be set once"]),
    "twice for all": (
        (f"momentum}}\nsearch:\n{SEARCH}", f"momentum, width: 4}}\nsearch:\n{SEARCH}\n  width: {{int: [8, 64]}}"),
        ["width must be set once for all arms"],
    ),
    "no distribution": ((SEARCH, f"{SEARCH}\n  width: 4"), ["width must be a distribution, got 4"]),
    "another model beside an option": (("momentum: 0.5", "model: mlp, width: 4"), [":9:17: ", "model", "'mlp'"]),
    "no task beside an option": (("momentum: 0.5", "task: 5, noise: 0.1"), [":9:16: ", "task", "5"]),
    "another model": (("training:", "model: mlp\ntraining:"), ["options of the task's own model() alone", "'mlp'"]),
    "another model in an arm": (("momentum: 0.5", "model: {name: mlp}"), ["options of the task's own model() alone"]),
    "twins": (("momentum: 0.5", "width: 16"), ["arms must differ"]),
    "data that cannot be": (("momentum: 0.5", "noise: -1"), [":9:", "noise must not be negative"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_refused_with_its_place(case, read):
    replacement, words = REFUSED[case]
    with pytest.raises(StudyError) as caught:
        read(replacement)
    assert [word for word in words if word not in str(caught.value)] == []
    assert str(caught.value).startswith("rings.yaml:")


def test_a_bundled_task_s_options_are_no_settings(read):
    with pytest.raises(StudyError, match="search has the unknown key 'rare'"):
        read(('{name: "rings.py:Rings", noise: 0.3}', "digits"), (SEARCH, f"{SEARCH}\n  rare: {{int: [1, 2]}}"))


@pytest.mark.thorough
def test_each_trial_trains_what_its_names_say(read, tmp_path):
    """Bit for bit the same by a free name as fixed, on data of each trial's own; with one lane of many packs."""
    database(tmp_path / "searched")
    database(tmp_path / "fixed")
    searched = read((SEARCH, f"{SEARCH}\n  noise: {{choice: [0.5, 0.6]}}\n  width: {{choice: [4, 5]}}"))
    rows = slalom.run(searched, tmp_path / "searched", lanes=local_lanes).export()
    assert {row["outcome"] for row in rows} <= {"complete", "pruned"}
    row = first(rows)
    noise, width, rate = (row["params"][name] for name in ("task.noise", "model.width", "learning_rate"))
    fixed = read(
        ("noise: 0.3", f"noise: {noise}"),
        (f"search:\n{SEARCH}\n", ""),
        ("momentum}", f"momentum, learning_rate: {rate!r}, width: {width}}}"),
    )
    again = slalom.run(fixed, tmp_path / "fixed", lanes=local_lanes).export()
    assert row["history"][0] == first(again)["history"][0]


def first(rows):
    of_plain = (row for row in rows if (row["arm"], row["search"], row["phase"]) == ("plain", 0, "tune"))
    return next(row for row in of_plain if row["number"] == 0)
