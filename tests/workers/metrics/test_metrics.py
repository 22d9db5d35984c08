"""Metrics against scikit-learn's functions of the same name, and in studies."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

import slalom
from slalom.errors import InputError, StudyError
from slalom.wiring import local_lanes
from slalom_worker.metrics import METRICS
from tests.support.mlflow_tables import database

CLASSES = {
    "balanced_accuracy": lambda y, p, w: sk.balanced_accuracy_score(y, p.argmax(1), sample_weight=w),
    "macro_f1": lambda y, p, w: sk.f1_score(y, p.argmax(1), average="macro", sample_weight=w),
    "auc": lambda y, p, w: sk.roc_auc_score(y, p[:, 1] if p.shape[1] == 2 else p, sample_weight=w, multi_class="ovr"),
    "log_loss": lambda y, p, w: sk.log_loss(y, p, sample_weight=w),
}
NUMBERS = {
    "mae": lambda y, p, w: sk.mean_absolute_error(y, p, sample_weight=w),
    "rmse": lambda y, p, w: sk.root_mean_squared_error(y, p, sample_weight=w),
    "r2": lambda y, p, w: sk.r2_score(y, p, sample_weight=w),
}
MEASURED_BY_THE_PACK = {"loss", "error", "accuracy", "passes"}


def test_every_metric_has_a_reference():
    assert METRICS.keys() == CLASSES.keys() | NUMBERS.keys() | MEASURED_BY_THE_PACK
    assert {name for name, one in METRICS.items() if one.of == "numbers"} == NUMBERS.keys()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", CLASSES)
def test_of_classes_as_scikit_learn_has_it(name, classes, weighted):
    random = np.random.default_rng(classes)
    labels = np.concatenate([np.arange(classes), random.integers(0, classes, 60)])
    scores = random.normal(size=(len(labels), classes)).round(1) + np.eye(classes)[labels]  # with ties
    predictions = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    weights = random.random(len(labels)) if weighted else np.ones(len(labels))
    weights /= weights.sum()
    found = METRICS[name].value(labels, predictions, weights)
    assert found == pytest.approx(CLASSES[name](labels, predictions, weights), abs=1e-12)


def test_classes_that_do_not_occur():
    labels, weights = np.array([0, 0, 1, 1]), np.full(4, 0.25)
    predictions = np.eye(4)[[0, 1, 1, 2]]
    found = METRICS["macro_f1"].value(labels, predictions, weights)
    assert found == pytest.approx(sk.f1_score(labels, predictions.argmax(1), average="macro"))
    assert METRICS["balanced_accuracy"].value(labels, predictions, weights) == pytest.approx(0.5)
    with pytest.raises(InputError, match=r"auc needs examples of every class .* class 2 has none"):
        METRICS["auc"].value(labels, predictions, weights)
    assert METRICS["log_loss"].value(labels, predictions, weights) == pytest.approx(
        sk.log_loss(labels, predictions, labels=range(4))
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", NUMBERS)
def test_of_numbers_as_scikit_learn_has_it(name, weighted):
    random = np.random.default_rng(0)
    labels, weights = random.normal(size=(50, 3)), random.random(50) if weighted else np.ones(50)
    labels[:, 2] = 0.5  # the same in every example
    predictions = labels + random.normal(size=(50, 3)) / 3
    weights /= weights.sum()
    for said in (predictions, labels, np.zeros_like(labels)):
        found = METRICS[name].value(labels, said, weights)
        assert found == pytest.approx(NUMBERS[name](labels, said, weights), abs=1e-12)


STUDY = {
    "name": "judged",
    "question": "Which?",
    "training": {"epochs": 3},
    "search": {"learning_rate": {"log": [1e-2, 1e-1]}},
    "tune": {"trials": 3, "searches": 1, "pick": "none"},
    "confirm": {"seeds": 2},
    "resources": {"pack_width": 8},
}
DIGITS = {**STUDY, "task": "digits", "arms": {"sgd": {"optimizer": "sgd"}, "adam": {"optimizer": "adam"}}}
OWN = """
from sklearn.metrics import cohen_kappa_score
from slalom_worker.metrics import Metric
Kappa = Metric(
    lambda y, p, w: cohen_kappa_score(y, p.argmax(1), sample_weight=w), "maximize", of="classes", worst=-1.0
)
Error = Metric(lambda y, p, w: 0.0, "minimize")
error = Error
NoNumber = Metric(lambda y, p, w: "good", "minimize")
Numbers = Metric(lambda y, p, w: 0.0, "minimize", of="numbers")
"""


def digits(metric):
    return slalom.Study(**DIGITS, compare={"baseline": "sgd"}, metric=metric)


def test_one_metric_decides_and_several_are_recorded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(OWN)
    database(tmp_path / "home")
    recorded = ["auc", "log_loss", "balanced_accuracy", "macro_f1", "error"]
    spec = digits({"name": "mine.py:Kappa", "record": recorded})
    assert (spec.metric.name, spec.metric.goal, spec.metric.worst) == ("Kappa", "maximize", -1.0)
    result = slalom.run(spec, tmp_path / "home", lanes=local_lanes)
    trials = result.trials()
    confirmed = trials[trials["phase"] == "confirm"]
    for part in ("train", "validation", "test"):
        assert confirmed[[f"{part}.{name}" for name in (*recorded, "Kappa", "accuracy")]].notna().all().all()
    # the cross-entropy is the log loss of the probabilities
    assert confirmed["test.log_loss"].to_numpy() == pytest.approx(confirmed["test.loss"].to_numpy(), rel=1e-5)
    assert result.arms[0].confirm.mean == pytest.approx(confirmed[confirmed["arm"] == "sgd"]["test.Kappa"].mean())
    assert "test Kappa" in result.verdict.sentence
    assert digits({"name": "mine.py:Kappa"}).fingerprint == spec.fingerprint
    assert digits("auc").fingerprint != spec.fingerprint


REFUSED = {
    "mae": "metric must be one of error, accuracy, loss, .* where the task predicts classes, got mae",
    "mine.py:error": "metric mine.py:error is reported as 'error', as another one is; call it otherwise",
    "mine.py:NoNumber": "metric mine.py:NoNumber must give a finite number, but gave 'good'",
    "mine.py:Numbers": "where the task predicts classes, got mine.py:Numbers",
    "mine.py:Kapa": "'Kapa' must be a Metric, .* did you mean 'Kappa'",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_metric_that_cannot_judge_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(OWN)
    with pytest.raises(StudyError, match=REFUSED[name]):
        digits(name)


HOUSES = """
import numpy as np
from slalom_worker.tasks import Data, Split

class Houses:
    def load(self):
        random = np.random.default_rng(0)
        return Data(*(self.part(random) for _ in range(3)), classes=None)

    def part(self, random):
        inputs = random.normal(size=(60, 3))
        return Split(inputs, inputs @ [1.0, -2.0, 0.5] + 3)

class Words:
    def load(self):
        random = np.random.default_rng(0)
        return Data(*(self.part(random) for _ in range(3)), classes=2)

    def part(self, random):
        words = random.integers(0, 20, size=(60, 5))
        return Split(words, (words.mean(1) > 9.5).astype(np.int32))

class Texts(Words):
    def model(self):
        from torch import nn

        class Scaled(nn.Module):
            def forward(self, words):
                if words.is_floating_point():
                    raise TypeError("words must be whole")
                return words.float() / 20

        return nn.Sequential(Scaled(), nn.Linear(5, 2))
"""


@pytest.mark.thorough
def test_a_regression_needs_neither_loss_nor_metric_and_takes_labels_as_a_list(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(HOUSES)
    database(tmp_path / "home")
    arms = {"line": {"optimizer": "adam", "model": {"hidden": []}}, "net": {"optimizer": "adam"}}
    spec = slalom.Study(**STUDY, task="mine.py:Houses", arms=arms, compare={"baseline": "line"})
    assert spec.metric.name == "loss"
    assert {arm.settings["loss"]["name"] for arm in spec.arms} == {"squared_error"}
    assert spec.notes[0].startswith("cast to float32: train.inputs, validation.inputs, test.inputs")
    judged = slalom.Study(
        **STUDY,
        task="mine.py:Houses",
        arms=arms,
        compare={"baseline": "line"},
        metric={"name": "r2", "record": ["rmse"]},
    )
    result = slalom.run(judged, tmp_path / "home", lanes=local_lanes)
    trials = result.trials()
    last = trials[trials["phase"] == "confirm"]
    assert last["test.rmse"].to_numpy() ** 2 == pytest.approx(2 * last["test.loss"].to_numpy(), rel=1e-5)


def test_whole_numbers_reach_the_net_and_a_bundled_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(HOUSES)
    arms = {"sgd": {"optimizer": "sgd"}, "adam": {"optimizer": "adam"}}
    with pytest.raises(StudyError, match="model mlp takes no whole numbers, as the task's inputs are"):
        slalom.Study(**STUDY, task="mine.py:Words", arms=arms, compare={"baseline": "sgd"})
    shared = {**STUDY, "task": "mine.py:Texts", "compare": {"baseline": "sgd"}}
    with pytest.raises(StudyError, match="preprocess is of real numbers, and the task's inputs are whole"):
        slalom.Study(**shared, arms={**arms, "sgd": {"optimizer": "sgd", "preprocess": "center"}})
    database(tmp_path / "home")
    result = slalom.run(slalom.Study(**shared, arms=arms), tmp_path / "home", lanes=local_lanes)
    assert result.verdict is not None
