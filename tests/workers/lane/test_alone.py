"""The lane of a user's training function: one trial after the other, each alone."""

import torch

from slalom.wire.trial import Outcome, Turn
from slalom_worker.lane import device
from slalom_worker.lane.alone import AloneWorker
from slalom_worker.lane.factory import alone_worker
from tests.workers.training.test_alone import CPU, PLAIN, order


def test_a_lane_trains_its_orders_one_after_the_other(tmp_path):
    (tmp_path / "own.py").write_text(PLAIN)
    clock = iter(range(1000))
    worker = AloneWorker(tmp_path, "error", turn_seconds=0.0, device=CPU, clock=lambda: next(clock))
    orders = tuple(order(until=2, number=number) for number in range(3))
    before = worker.progress
    first = worker.turn(Turn(orders, ()))
    assert worker.progress != before
    assert [report.trial.number for report in first.reports] == [0, 0]
    assert (first.slots, first.effort.trained, first.effort.available) == (1, 2, 2)
    second = worker.turn(Turn((), (orders[1].trial.id,)))
    assert [report.trial.number for report in second.reports] == [2, 2]
    assert worker.turn(Turn()).reports == ()


def test_a_trial_without_gpus_sees_none(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "a GPU")
    monkeypatch.setattr(device, "ask_for_deterministic_kernels", lambda: None)
    assert alone_worker(tmp_path, "error", 2, device="cpu").device == CPU
    assert alone_worker(tmp_path, "error", 2, device="gpu").device == torch.device("cuda", 0)


def test_a_file_that_is_gone_fails_the_trial(tmp_path):
    (result,) = AloneWorker(tmp_path, "error", device=CPU).turn(Turn((order(until=2),), ())).results
    assert result.outcome is Outcome.FAILED
    assert "own.py: must be a Python file, but got no such file" in result.error
