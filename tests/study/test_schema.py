from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from slalom.errors import StudyError
from slalom.study import Inspected, schema, study_from


@pytest.fixture(scope="module")
def validator(catalogue):
    made = json.loads(json.dumps(schema(catalogue)))
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)


def put(document, path, value):
    changed = deepcopy(document)
    inner = changed
    *outer, last = path.split("/")
    for key in outer:
        inner = inner[key]
    inner[last] = value
    return changed


def test_the_example_fits(document, validator):
    assert list(validator.iter_errors(document)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("model", "mlp"),
        ("task", {"name": "digits", "rare": [1, 2]}),
        ("task", {"name": "files"}),
        ("metric", "accuracy"),
        ("training/batch_size", "all"),
        ("training/record", ["curvature"]),
        ("training/hidden_dropout", 0.5),
        ("training/hidden_dropout", {"uniform": [0, 0.5]}),
        ("search/hidden_dropout", {"choice": [0, 0.5]}),
        ("search/decay_biases", {"choice": [True, False]}),
        ("arms/none", {"optimizer": "adam", "beta1": {"uniform": [0.5, 0.9]}}),
        ("arms/none", {"momentum": "sutskever"}),
        ("arms/none", {"emphasis": {"scheme": "class_balanced", "strength": {"int": [1, 2]}}}),
        ("arms/none", {"decay_biases": {"choice": [True, False]}}),
        ("arms/none", {"ensemble": {"members": 25, "bagging": True}}),
        ("arms/none", {"ensemble": {"combine": "vote", "members": 3}}),
        ("training/ensemble", {"combine": "mean", "members": 2}),
        ("tune/pruner", {"name": "successive_halving", "factor": 2}),
        ("tune/searches", 1),
        ("tune/searches", {"at_least": 10, "at_most": 40, "until": "decided"}),
        ("tune/searches", {"until": "decided"}),
        ("tune/pick", "none"),
        ("tune/pick", {"best": 2}),
        ("tune/pick", {"by": "mean", "best": 2, "seeds": 1}),
        ("resample", {"split": "fixed"}),
        ("resample", {"split": "auto"}),
        ("resample", {}),
        ("seed", 12345678901234567890 // 2),
        ("compare/margin", 0.01),
        ("compare/margin", "none"),
        ("confirm/seeds", 1),
        ("resources/lanes", 3),
        ("checkpoint", {"every": 5}),
    ],
)
def test_what_the_reader_takes_the_schema_takes(path, value, document, validator, reading):
    changed = put(document, path, value)
    study_from(changed, reading)
    assert list(validator.iter_errors(changed)) == []


@pytest.mark.parametrize(
    "value",
    [
        {"augmentation": "mirror"},
        {"augmentation": {"method": "shift", "pixels": {"int": [0, 4]}}},
        {"augmentation": [{"method": "crop", "pad": 2}, "mirror"], "evaluation": {"by": "ten_crop", "size": 24}},
        {"evaluation": "whole"},
    ],
)
def test_settings_of_pictures_fit(value, document, validator, reading):
    pictures = replace(reading, inspect=lambda *_: Inspected("0" * 64, shape=(3, 32, 32)))
    changed = put(document, "arms/none", value)
    study_from(changed, pictures)
    assert list(validator.iter_errors(changed)) == []


@pytest.mark.parametrize("task", ["my_task.py:Cats", {"name": "tasks/my_task.py:Cats", "colours": ["red"]}])
def test_a_user_s_task_fits(task, document, validator):
    assert validator.is_valid({**document, "task": task})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("nmae", "twice"),
        ("name", "a b"),
        ("task", "digit"),
        ("task", {"name": "digits", "rar": [1]}),
        ("model/hidden", [0]),
        ("model/activation", "tan"),
        ("training/epochs", 0),
        ("training/epochs", {"int": [1, 2]}),
        ("training/batch_size", "al"),
        ("metric/goal", "maximize"),
        ("arms/none", {"ensemble": {"members": 1}}),
        ("arms/none", {"ensemble": {"members": {"int": [2, 9]}}}),
        ("arms/none", {"ensemble": {"combine": "vote"}}),
        ("arms/none", {"ensemble": {"bagging": True}}),
        ("search/ensemble", {"choice": ["none", "mean"]}),
        ("arms/none", {"augmentation": ["mirror"]}),
        ("arms/none", {"augmentation": [{"method": "crop", "share": 0.5}, "mirror"]}),
        ("search/learning_rate", 0.1),
        ("search/learning_rate", {"log": [0, 1]}),
        ("search/learning_rate", {"log": [1]}),
        ("search/learning_rate", {"log": [1, 2, 3]}),
        ("search/learning_rate", {"lag": [1, 2]}),
        ("search/learning_rate", {"choice": [1]}),
        ("search/emphasis", {"choice": ["uniform"]}),
        ("arms", {"only": {}}),
        ("arms/no name", {}),
        ("arms/none", None),
        ("arms/none", {"momentum": 1}),
        ("arms/none", {"momentum": {"schedule": "gradient_norm", "strat": 0.5}}),
        ("arms/none", {"optimizer": {"choice": ["sgd", "adam"]}}),
        ("tune/pruner", {"name": "none", "factor": 2}),
        ("confirm/seeds", 0),
        ("tune/searches", 0),
        ("tune/searches", {"at_least": 10, "at_most": 40}),
        ("tune/searches", {"at_least": 5, "until": "decided"}),
        ("tune/searches", {"int": [1, 9]}),
        ("tune/pick", {"best": 1}),
        ("tune/pick", 4),
        ("tune/pick", {"by": "none", "best": 2}),
        ("resample", "fixed"),
        ("resample", {"split": "fix"}),
        ("seed", -1),
        ("seed", 2**63),
        ("compare/margin", 0),
        ("compare/alpha", 0.5),
        ("resources/lanes", 0),
    ],
)
def test_what_the_schema_refuses_the_reader_refuses(path, value, document, validator, reading):
    changed = put(document, path, value)
    assert not validator.is_valid(changed)
    with pytest.raises(StudyError):
        study_from(changed, reading)


@pytest.mark.parametrize("section", ["name", "question", "task", "training", "arms", "tune", "confirm", "compare"])
def test_what_must_be_there(section, document, validator):
    del document[section]
    assert not validator.is_valid(document)


def test_every_key_of_the_study_is_described(validator):
    keys = validator.schema["properties"]
    assert [name for name, part in keys.items() if not part.get("description")] == []
    for section in ("training", "tune", "confirm", "compare", "resample", "resources"):
        assert [name for name, part in keys[section]["properties"].items() if not part.get("description")] == []
