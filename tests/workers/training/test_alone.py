"""One call of a user's training function: what it is told, what its reports come to, and what it may not do."""

import random

import numpy as np
import pytest
import torch

from slalom.wire.seeds import trial_seeds
from slalom.wire.trial import Order, Outcome, Phase, TrialId, TrialSpec, Turn, Work
from slalom_worker.lane.alone import AloneWorker
from slalom_worker.lane.factory import alone_worker
from slalom_worker.tasks import find
from slalom_worker.training.alone import Trainer, TrainingError

CPU = torch.device("cpu")

PLAIN = """
def train(trial, **given):
    for epoch in range(1, trial.epochs + 1):
        if not trial.report(error=1 / epoch, loss=2.0):
            break
    if trial.wants_test:
        return {"error": 0.5}
"""


def order(until, epochs=4, phase=Phase.TUNE, every=1, split=None, number=0, **settings):
    work = Work({"name": "own.py:train"}, {}, None, loss={}, split=split)
    seeds = trial_seeds(0, "", str(phase), 0, number)
    spec = TrialSpec(TrialId("arm", phase, number), 0, seeds, work, settings, {}, epochs, every)
    return Order(spec, until)


@pytest.fixture
def train(tmp_path):
    """A function that trains an order by the training function of a text."""

    def call(text, *asked, **options):
        (tmp_path / "own.py").write_text(text)
        trainer = Trainer(find("own.py:train", tmp_path), "error", CPU, "cpu", **options)
        return trainer.train(*asked)

    return call


def reported(trained):
    return {report.epoch: dict(report.metrics) for report in trained.reports}


def test_it_is_stopped_at_the_order_s_end_and_is_not_over(train):
    trained = train(PLAIN, order(until=2))
    assert trained.result is None
    assert reported(trained) == {
        1: {"validation.error": 1.0, "validation.loss": 2.0},
        2: {"validation.error": 0.5, "validation.loss": 2.0},
    }


def test_it_is_complete_after_all_epochs(train):
    trained = train(PLAIN, order(until=4))
    assert (trained.result.outcome, trained.result.epochs) == (Outcome.COMPLETE, 4)
    assert trained.result.metrics == {"validation.error": 0.25, "validation.loss": 2.0}
    assert [*reported(trained)] == [1, 2, 3, 4]


def test_only_epochs_that_are_due_are_reported(train):
    assert [*reported(train(PLAIN, order(until=7, epochs=7, every=3)))] == [3, 6, 7]


def test_a_confirm_trial_gives_test_metrics_with_its_last_report(train):
    trained = train(PLAIN, order(until=4, phase=Phase.CONFIRM))
    assert trained.result.metrics["test.error"] == 0.5
    assert reported(trained)[4]["test.error"] == 0.5
    assert "test.error" not in reported(trained)[3]


def test_what_it_is_told(train):
    text = """
def train(trial, width):
    assert (trial.params, width) == ({"width": 8}, 8)
    assert (trial.split, trial.phase, trial.epochs, trial.device) == (3, "pick", 4, "cpu")
    assert not trial.wants_test
    trial.report(error=trial.seed)
"""
    asked = order(until=4, phase=Phase.PICK, split=3, width=8)
    assert train(text, asked).result.metrics == {"validation.error": asked.trial.seeds.weights % 2**31}


def test_one_that_returns_before_is_complete(train):
    text = """
def train(trial):
    trial.report(error=1.0)
    trial.report(error=0.3)
"""
    trained = train(text, order(until=3, epochs=9, every=3))
    assert (trained.result.outcome, trained.result.epochs) == (Outcome.COMPLETE, 2)
    assert trained.result.metrics == {"validation.error": 0.3}
    assert [*reported(trained)] == [2]


def test_one_that_trains_on_is_ended(train):
    text = """
def train(trial):
    try:
        for epoch in range(100):
            try:
                trial.report(error=epoch)
            except Exception:
                raise AssertionError("an end is no exception of the user's")
    finally:
        print("the user's own way out")
"""
    assert [*reported(train(text, order(until=2)))] == [1, 2]


def test_metrics_of_training_data_are_named_so(train):
    text = """
def train(trial):
    trial.report({"train.loss": 1.5}, error=0.5)
    return {"train.loss": 1.25, "error": 0.75} if trial.wants_test else None
"""
    confirmed = train(text, order(until=4, phase=Phase.CONFIRM)).result.metrics
    assert confirmed == {"validation.error": 0.5, "train.loss": 1.25, "test.error": 0.75}


@pytest.mark.parametrize("value", ["math.nan", "math.inf"])
def test_one_that_leaves_the_finite_numbers_diverges(value, train):
    text = f"""
import math

def train(trial):
    trial.report(error=0.5)
    assert not trial.report(error=0.4, loss={value})
    trial.report(error=0.3)
"""
    trained = train(text, order(until=4))
    assert (trained.result.outcome, trained.result.epochs, trained.result.metrics) == (Outcome.DIVERGED, 2, {})
    assert [*reported(trained)] == [1]


def test_a_confirm_trial_that_diverges_is_not_asked_for_more(train):
    text = PLAIN.replace("error=1 / epoch", "error=1 / epoch if epoch < 3 else float('nan')")
    trained = train(text, order(until=4, phase=Phase.CONFIRM))
    assert (trained.result.outcome, trained.result.epochs) == (Outcome.DIVERGED, 3)
    assert [*reported(trained)] == [1, 2]


def test_test_metrics_that_are_not_finite_diverge(train):
    text = PLAIN.replace('{"error": 0.5}', '{"error": float("nan")}')
    assert train(text, order(until=4, phase=Phase.CONFIRM)).result.outcome is Outcome.DIVERGED


def test_numbers_of_any_library(train):
    text = """
import numpy as np
import torch

def train(trial):
    trial.report({"error": np.float32(0.5), "f1.macro": torch.tensor(0.25), "right": True, "count": np.int64(3)})
"""
    assert train(text, order(until=4)).result.metrics == {
        "validation.error": 0.5,
        "validation.f1.macro": 0.25,
        "validation.right": 1.0,
        "validation.count": 3.0,
    }


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("pass", "must report its metrics at least once, but never called report()"),
        ("trial.report()", "report() must hold the study's metric 'error'"),
        (
            "trial.report(eror=1.0)",
            "report() must hold the study's metric 'error'; did you mean 'eror'? (one of: eror)",
        ),
        ("trial.report(error='0.5')", "report(): error must be one number, but got '0.5'"),
        ("trial.report(error=[1.0, 2.0])", "report(): error must be one number, but got [1.0, 2.0]"),
        ("trial.report(error=None)", "report(): error must be one number, but got None"),
        ("trial.report({'error': 1.0, 'a b': 1.0})", "report(): a metric's name must be letters"),
        ("trial.report(error=1.0); return {'error': 1.0}", "must return nothing where trial.wants_test is false"),
    ],
)
def test_what_it_does_wrongly_is_told(body, said, train):
    result = train(f"def train(trial):\n    {body}", order(until=4)).result
    assert result.outcome is Outcome.FAILED
    assert result.error.split("own.py:train: ", 1)[1].startswith(said)


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("None", "must return a mapping with 'error' on test data where trial.wants_test is true, but returned None"),
        ("0.5", "must return a mapping with 'error' on test data where trial.wants_test is true, but returned 0.5"),
        ("{'loss': 1.0}", "what it returns must hold the study's metric 'error'"),
        ("{'error': 'low'}", "what it returns: error must be one number, but got 'low'"),
    ],
)
def test_test_metrics_that_are_none_are_told(returned, said, train):
    text = PLAIN.replace('{"error": 0.5}', returned)
    assert said in train(text, order(until=4, phase=Phase.CONFIRM)).result.error


def test_what_it_raises_has_its_line(train):
    with pytest.raises(TrainingError, match=r"own\.py:train: ValueError: no fur \(line 3\)$"):
        train("def train(trial):\n    x = 1\n    raise ValueError('no fur')", order(until=4))
    with pytest.raises(TrainingError, match=r"SystemExit: 3 \(line 2\)$"):
        train("def train(trial):\n    raise SystemExit(3)", order(until=4))


RANDOM = """
import random
import numpy as np
import torch

def train(trial):
    for _ in range(trial.epochs):
        drawn = random.random() + np.random.rand() + torch.rand(()).item()
        if not trial.report(error=drawn):
            return
"""


def test_global_generators_start_from_the_trial_s_seed(train):
    """A function that seeds nothing gives the same numbers whatever was trained before it, at every rung."""
    first = reported(train(RANDOM, order(until=2)))
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    again = reported(train(RANDOM, order(until=4)))
    assert {epoch: again[epoch] for epoch in first} == first
    assert reported(train(RANDOM, order(until=2, number=1))) != first


def test_the_process_s_own_generators_go_on_as_if_nothing_had_been_trained(train):
    def draw():
        return random.random(), np.random.rand(), torch.rand(()).item()

    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    expected = draw()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    train(RANDOM, order(until=4))
    assert draw() == expected


@pytest.mark.cuda
def test_a_gpu_s_generator_starts_from_the_trial_s_seed_too(tmp_path):
    (tmp_path / "own.py").write_text(
        """
import torch

def train(trial):
    trial.report(error=torch.rand((), device=trial.device))
"""
    )
    trainer = Trainer(find("own.py:train", tmp_path), "error", torch.device("cuda", 0), "a GPU")
    torch.cuda.manual_seed(1)
    expected = torch.rand((), device="cuda:0").item()
    torch.cuda.manual_seed(1)
    first, again = (trainer.train(order(until=4)).result.metrics for _ in range(2))
    assert first == again
    assert torch.rand((), device="cuda:0").item() == expected


def test_it_has_as_many_threads_as_cores(train):
    text = """
import torch

def train(trial):
    trial.report(error=torch.get_num_threads())
"""
    before = torch.get_num_threads()
    assert train(text, order(until=4), threads=3).result.metrics == {"validation.error": 3.0}
    assert torch.get_num_threads() == before


def test_what_it_prints_goes_to_standard_error(train, capsys):
    train("def train(trial):\n    print('hello')\n    trial.report(error=1.0)", order(until=4))
    assert capsys.readouterr() == ("", "hello\n")


def test_a_lane_trains_its_orders_one_after_the_other(tmp_path):
    (tmp_path / "own.py").write_text(PLAIN)
    clock = iter(range(1000))
    worker = AloneWorker(tmp_path, "error", turn_seconds=0.0, device=CPU, clock=lambda: next(clock))
    orders = tuple(order(until=2, number=number) for number in range(3))
    first = worker.turn(Turn(orders, ()))
    assert [report.trial.number for report in first.reports] == [0, 0]
    assert (first.slots, first.effort.trained, first.effort.available) == (1, 2, 2)
    second = worker.turn(Turn((), (orders[1].trial.id,)))
    assert [report.trial.number for report in second.reports] == [2, 2]
    assert worker.turn(Turn()).reports == ()


def test_a_trial_without_gpus_sees_none(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    assert alone_worker(tmp_path, "error", 2, on_gpu=False).device == CPU
    assert alone_worker(tmp_path, "error", 2, on_gpu=True).device == torch.device("cuda", 0)


def test_a_file_that_is_gone_fails_the_trial(tmp_path):
    (result,) = AloneWorker(tmp_path, "error", device=CPU).turn(Turn((order(until=2),), ())).results
    assert result.outcome is Outcome.FAILED
    assert "own.py: must be a Python file, but got no such file" in result.error
