"""How wide a pack is: the knee of what was measured, kept for the next time."""

import json
from itertools import accumulate, chain, repeat

import pytest
import torch

from slalom.wire.trial import Turn
from slalom_worker.lane import width
from slalom_worker.lane.width import best_width, knee, measure
from slalom_worker.lane.worker import LaneWorker
from slalom_worker.training.pack import Pack
from slalom_worker.training.slot import Slot
from tests.workers.trials import CPU, objective, order, settings, trial, work

SMALL = work("mixture", hidden=(3,))


@pytest.mark.parametrize(
    ("rates", "chosen"),
    [
        ({1: 100.0}, 1),
        ({1: 100.0, 2: 90.0, 4: 80.0}, 1),
        ({1: 100.0, 2: 200.0, 4: 400.0, 8: 410.0, 16: 300.0}, 4),
        ({1: 100.0, 2: 104.0}, 1),
        ({1: 100.0, 2: 50.0, 4: 150.0}, 4),
    ],
)
def test_the_knee_is_the_narrowest_width_about_as_fast_as_the_best(rates, chosen):
    assert knee(rates) == chosen
    assert rates[chosen] >= 0.95 * max(rates.values())
    assert rates[chosen] >= rates[1]


def test_widths_are_tried_until_they_help_no_more(monkeypatch):
    rates = {1: 10.0, 2: 19.0, 4: 30.0, 8: 30.1, 16: 30.2, 32: 99.0}
    monkeypatch.setattr(width, "_rate", lambda _, slots, clock: rates[slots])
    assert measure(objective(SMALL)) == {slots: rates[slots] for slots in (1, 2, 4, 8, 16)}


def test_what_does_not_fit_is_not_tried(monkeypatch):
    def rate(_, slots, clock):
        if slots == 8:
            raise torch.OutOfMemoryError
        return float(slots)

    program = objective(SMALL)
    monkeypatch.setattr(width, "_rate", rate)
    assert max(measure(program)) == 4
    monkeypatch.setattr(width, "LARGEST", 2 * 6 * 4 * sum(program.sizes))
    assert max(measure(program)) == 2


def test_the_time_is_that_of_the_fastest_step():
    ticks = accumulate(chain.from_iterable(zip(repeat(0.0), chain((5.0, 2.0, 4.0, 4.0, 4.0), repeat(9.0)))))
    assert width._rate(objective(SMALL), 4, lambda: next(ticks)) == 4 / 2.0


def test_a_width_is_measured_once_and_kept(tmp_path, monkeypatch):
    file, calls = tmp_path / "cache" / "widths.json", []
    monkeypatch.setattr(width, "measure", lambda program, clock: calls.append(program.work.key) or {1: 1.0, 2: 9.0})
    other = work("mixture", hidden=(4,))
    for of in (SMALL, other, SMALL, other):
        assert best_width(objective(of), file) == 2
    assert calls == [SMALL.key, other.key]
    assert sorted(json.loads(file.read_text()).values()) == [2, 2]
    file.write_text("{ torn")
    assert best_width(objective(SMALL), file) == 2


def test_without_a_place_to_keep_it_a_width_is_measured_each_time(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file, where a folder should be")
    calls = []
    monkeypatch.setattr(width, "measure", lambda program, clock: calls.append(1) or {1: 1.0, 2: 9.0})
    assert [best_width(objective(SMALL), tmp_path / "cache" / "widths.json") for _ in range(2)] == [2, 2]
    assert len(calls) == 2


def test_a_lane_says_how_wide_its_pack_is(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    worker = LaneWorker(device=CPU)
    reply = worker.turn(Turn((order(trial(0, SMALL, settings("sgd"), epochs=1)),)))
    assert [reply.slots] == list(json.loads((tmp_path / "slalom" / "widths.json").read_text()).values())
    assert LaneWorker(width=5, device=CPU).turn(Turn((order(trial(0, SMALL, settings("sgd"), epochs=1)),))).slots == 5


def test_rehearsing_leaves_the_clocks_alone():
    program = objective(SMALL)
    slot = Slot.start(order(trial(0, SMALL, settings("adam"))), program)
    pack = Pack(program)
    pack.seat([slot])
    pack.rehearse(3)
    assert (slot.epoch, float(slot.tensors["step"])) == (0, 0)
