"""What a method of the user's own must give is held at `check`: file, function, rule and value, in one line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

import slalom
from slalom.errors import StudyError
from tests.workers.nonsense_of_data import AUGMENTATIONS, METRIC, METRICS, PREPROCESSINGS, SCHEMES
from tests.workers.nonsense_of_nets import INITIALIZATIONS, LOSSES
from tests.workers.nonsense_of_steps import OPTIMIZERS, SCHEDULES

if TYPE_CHECKING:
    from pathlib import Path

STUDY = {
    "name": "mine",
    "question": "Which of mine?",
    "task": "digits",
    "model": {"name": "mlp", "hidden": [8]},
    "training": {"epochs": 7, "optimizer": "momentum"},
    "search": {"learning_rate": {"log": [1e-3, 1e-2]}},
    "tune": {"trials": 2, "searches": 1, "pruner": "none", "pick": "none"},
    "confirm": {"seeds": 1},
    "compare": {"baseline": "plain"},
}

SORTS = {
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "emphasis": SCHEMES,
    "loss": LOSSES,
    "initialization": INITIALIZATIONS,
    "preprocessing": PREPROCESSINGS,
    "augmentation": AUGMENTATIONS,
}
CASES = {f"{sort}: {name}": case for sort, cases in SORTS.items() for name, case in cases.items()}


def study(folder: Path, text: str, **changes: object) -> slalom.Study:
    (folder / "mine.py").write_text(text)
    return slalom.Study(**{**STUDY, **changes})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", CASES)
def test_nonsense_is_refused_with_file_function_rule_and_value(folder: Path, name: str) -> None:
    text, arm, message = CASES[name]
    with pytest.raises(StudyError) as caught:
        study(folder, text, arms={"plain": {}, "mine": arm})
    told = str(caught.value)
    assert re.search(rf"mine\.py:Mine: {message}", told), told
    assert told.startswith("arms.mine: arm mine: ")
    assert "\n" not in told


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("metric", ["mine.py:Mine", {"name": "error", "record": ["mine.py:Mine"]}])
def test_a_metric_that_is_no_number_is_refused(folder: Path, name: str, metric: object) -> None:
    value, message = METRICS[name]
    text = METRIC.replace("VALUE", value).replace("GOAL", '"minimize"')
    with pytest.raises(StudyError, match=re.escape(message)):
        study(folder, text, arms={"plain": {}, "other": {"optimizer": "sgd"}}, metric=metric)


def test_every_metric_of_many_is_asked(folder: Path) -> None:
    value, message = METRICS["none where predictions are all alike"]
    names = [f"Good{number}" for number in range(9)]
    text = METRIC.replace("VALUE", value).replace("GOAL", '"minimize"')
    text += "".join(f"{name} = Metric(lambda *_: 0.5, 'minimize')\n" for name in names)
    metric = {"name": "error", "record": [f"mine.py:{name}" for name in (*names, "Mine")]}
    with pytest.raises(StudyError, match=re.escape(message)):
        study(folder, text, arms={"plain": {}, "other": {"optimizer": "sgd"}}, metric=metric)


FIELDS = {
    "a parameter's name": (
        "from slalom.wire.kinds import fraction\nfrom slalom_worker.schedules import Schedule\n"
        "Mine = Schedule(lambda clock, given: clock.step * 0, {'schedule': fraction(0.5)})",
        {"learning_rate_schedule": "mine.py:Mine"},
        "mine.py:Mine: names in parameters must be words that stand in a study file, and not schedule, scheme, method, "
        "name, but got 'schedule'",
    ),
    "a goal": (
        METRIC.replace("VALUE", "return 0.5").replace("GOAL", '"min"'),
        {"metric": "mine.py:Mine"},
        "mine.py:Mine: goal must be minimize or maximize, but is 'min'",
    ),
    "a worst value": (
        METRIC.replace("VALUE", "return 0.5").replace("GOAL", '"minimize", worst=float("inf")'),
        {"metric": "mine.py:Mine"},
        "mine.py:Mine: worst must be a finite number or None, but is inf",
    ),
    "a function": (
        "from slalom_worker.schedules import Schedule\nMine = Schedule(0.5, {})",
        {"learning_rate_schedule": "mine.py:Mine"},
        "mine.py:Mine: value must be a function, but is 0.5",
    ),
    "names": (
        "from slalom_worker.optimizers import Optimizer\nMine = Optimizer(lambda block: None, 'mean', {})",
        {"optimizer": "mine.py:Mine"},
        "mine.py:Mine: state must be a tuple of texts, but is 'mean'",
    ),
    "whether": (
        "from slalom_worker.optimizers import Optimizer\nMine = Optimizer(lambda block: None, (), {}, whole='no')",
        {"optimizer": "mine.py:Mine"},
        "mine.py:Mine: whole must be True or False, but is 'no'",
    ),
    "parameters": (
        "from slalom_worker.schedules import Schedule\nMine = Schedule(lambda clock, given: clock.step, ['by'])",
        {"learning_rate_schedule": "mine.py:Mine"},
        "mine.py:Mine: parameters must be a mapping, but is ['by']",
    ),
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_of_another_type_is_refused(folder: Path, name: str) -> None:
    text, named, message = FIELDS[name]
    training = {**STUDY["training"], **{key: value for key, value in named.items() if key != "metric"}}
    metric = {key: value for key, value in named.items() if key == "metric"}
    with pytest.raises(StudyError, match=re.escape(message)):
        study(folder, text, arms={"plain": {}, "other": {"clip_norm": 1.0}}, training=training, **metric)
