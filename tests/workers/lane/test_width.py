"""How wide a pack is: the knee of what was measured, kept for the next time."""

import json
import math
from dataclasses import replace
from itertools import accumulate, chain, repeat

import pytest
import torch

from slalom.wire.trial import Outcome, Turn
from slalom_worker.lane import width
from slalom_worker.lane.factory import lane_worker
from slalom_worker.lane.width import Width, best_width, knee, measure
from slalom_worker.lane.worker import LaneWorker
from slalom_worker.training.pack import Pack
from slalom_worker.training.slot import Slot
from tests.support.tiers import few
from tests.workers.net.test_curvature import FILE
from tests.workers.trials import CPU, objective, order, settings, trial, work

SMALL = work("mixture", hidden=(3,))
ORDER = order(trial(0, SMALL, settings("sgd"), epochs=1))


@pytest.mark.parametrize(
    ("rates", "chosen"),
    [
        ({1: 100.0}, 1),
        ({1: 100.0, 2: 90.0, 4: 80.0}, 1),
        ({1: 100.0, 2: 200.0, 4: 400.0, 8: 410.0, 16: 300.0}, 4),
        ({1: 100.0, 2: 104.0}, 1),
        ({1: 100.0, 2: 50.0, 4: 150.0}, 4),
        ({1: 6.0, 32: 84.0, 64: 95.0, 128: 100.0, 256: 96.0}, 64),
    ],
)
def test_the_knee_is_the_narrowest_width_about_as_fast_as_the_best(rates, chosen):
    assert knee(rates) == chosen
    assert rates[chosen] >= 0.9 * max(rates.values())
    assert rates[chosen] >= rates[1]


def test_widths_are_tried_until_they_help_no_more(monkeypatch):
    rates = {1: 10.0, 2: 19.0, 4: 30.0, 8: 30.1, 16: 30.2, 32: 99.0}
    monkeypatch.setattr(width, "_rate", lambda _, __, slots, clock: rates[slots])
    assert measure(objective(SMALL), ORDER) == {slots: rates[slots] for slots in (1, 2, 4, 8, 16)}


def test_a_moment_of_trouble_does_not_make_packs_narrow(monkeypatch):
    told = iter([10.0, 9.0, 9.0, 10.0, 20.0, 40.0, 30.0, 35.0])
    monkeypatch.setattr(width, "_rate", lambda *_: next(told))
    assert measure(objective(SMALL), ORDER) == {1: 10.0, 2: 20.0, 4: 40.0, 8: 30.0, 16: 35.0}


@pytest.mark.parametrize(("share", "kept"), [(0.99, [2]), (0.5, [])])
def test_a_width_that_was_measured_on_a_busy_machine_is_not_kept(share, kept, tmp_path, monkeypatch):
    file, moments = tmp_path / "widths.json", iter([0.0, 1.0])
    monkeypatch.setattr(width.time, "perf_counter", lambda: next(moments))
    spent = iter([0.0, share])
    monkeypatch.setattr(width.time, "thread_time", lambda: next(spent))
    monkeypatch.setattr(width, "measure", lambda *_: {1: 1.0, 2: 9.0})
    assert best_width(objective(SMALL), ORDER, file) == Width(2, bool(kept))
    assert list(width._read(file).values()) == kept


MEMORY = [torch.OutOfMemoryError(), MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]


@pytest.mark.parametrize("error", MEMORY)
def test_what_does_not_fit_is_not_tried(error, monkeypatch):
    def rate(_, __, slots, clock):
        if slots == 8:
            raise error
        return float(slots)

    program = objective(SMALL)
    monkeypatch.setattr(width, "_rate", rate)
    assert max(measure(program, ORDER)) == 4
    monkeypatch.setattr(width, "LARGEST_BYTES", 2 * 6 * 4 * sum(program.sizes))
    assert max(measure(program, ORDER)) == 2


def test_a_width_that_fits_only_in_the_first_round_is_not_chosen(monkeypatch):
    tried = []

    def rate(_, __, slots, clock):
        tried.append(slots)
        if tried.count(slots) == 2 and slots >= 4:
            raise torch.OutOfMemoryError
        return float(min(slots, 16))

    monkeypatch.setattr(width, "_rate", rate)
    assert measure(objective(SMALL), ORDER) == {1: 1.0, 2: 2.0}


@pytest.mark.parametrize("error", [*MEMORY, RuntimeError("shapes differ")])
def test_where_not_one_slot_fits_the_error_is_that_of_memory(error, monkeypatch):
    def rate(*_):
        raise error

    monkeypatch.setattr(width, "_rate", rate)
    with pytest.raises(type(error)) as caught:
        best_width(objective(SMALL), ORDER)
    assert caught.value is error


def test_the_time_is_that_of_the_fastest_step():
    ticks = accumulate(chain.from_iterable(zip(repeat(0.0), chain((5.0, 2.0, 4.0, 4.0, 4.0), repeat(9.0)))))
    assert width._rate(objective(SMALL), ORDER, 4, lambda: next(ticks)) == 4 / 2.0


def test_a_width_is_measured_once_and_kept(tmp_path, monkeypatch):
    file, calls = tmp_path / "cache" / "widths.json", []
    monkeypatch.setattr(width, "UNDISTURBED", 0.0)
    monkeypatch.setattr(width, "measure", lambda program, order: calls.append(program.work.key) or {1: 1.0, 2: 9.0})
    other = work("mixture", hidden=(4,))
    for of in (SMALL, other, SMALL, other):
        assert best_width(objective(of), ORDER, file).slots == 2
    assert calls == [SMALL.key, other.key]
    assert sorted(json.loads(file.read_text()).values()) == [2, 2]
    file.write_text("{ torn")
    assert best_width(objective(SMALL), ORDER, file).slots == 2


def test_without_a_place_to_keep_it_a_width_is_measured_each_time(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file, where a folder should be")
    calls = []
    monkeypatch.setattr(width, "measure", lambda program, order: calls.append(1) or {1: 1.0, 2: 9.0})
    assert [best_width(objective(SMALL), ORDER, tmp_path / "cache" / "widths.json").slots for _ in range(2)] == [2, 2]
    assert len(calls) == 2


def test_a_lane_keeps_widths_in_the_user_s_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(width, "UNDISTURBED", 0.0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    reply = lane_worker(".", None).turn(Turn((ORDER,)))
    assert [reply.slots] == list(json.loads((tmp_path / "slalom" / "widths.json").read_text()).values())
    assert lane_worker(".", 5).turn(Turn((ORDER,))).slots == 5


def test_a_lane_says_how_wide_its_pack_is():
    assert LaneWorker(width=5, device=CPU).turn(Turn((ORDER,))).slots == 5
    assert LaneWorker(width=lambda program, order: Width(3), device=CPU).turn(Turn((ORDER,))).slots == 3


def test_a_lane_tells_a_width_that_it_measured_once_and_only_one_to_rely_on():
    worker = LaneWorker(width=lambda program, order: Width(3), device=CPU)
    assert worker.turn(Turn((ORDER,))).widths == {SMALL.digest: 3}
    assert worker.turn(Turn((ORDER,))).widths == {}
    assert LaneWorker(width=lambda program, order: Width(3, lasting=False)).turn(Turn((ORDER,))).widths == {}
    assert LaneWorker(width=5, device=CPU).turn(Turn((ORDER,))).widths == {}


def test_a_width_that_the_study_has_noted_is_not_measured_and_one_of_its_file_goes_before():
    def measured(program, order):
        raise AssertionError("measured")

    turn = Turn((ORDER,), widths={SMALL.digest: 6, "another": 9})
    reply = LaneWorker(width=measured, device=CPU).turn(turn)
    assert (reply.slots, reply.widths) == (6, {})
    assert LaneWorker(width=5, device=CPU).turn(turn).slots == 5


def test_of_two_lanes_that_measured_at_once_the_later_takes_the_width_that_was_noted():
    worker = LaneWorker(width=lambda program, order: Width(3), turn_seconds=0, device=CPU)
    long = replace(ORDER, trial=replace(ORDER.trial, epochs=9), until=9)
    assert worker.turn(Turn((long,))).slots == 3
    other = replace(long, trial=replace(long.trial, id=long.trial.id._replace(number=1)))
    assert worker.turn(Turn((other,), widths={SMALL.digest: 7})).slots == 7


ENSEMBLE = {"combine": "mean", "members": 3, "bagging": True}
ORDERED = [
    settings("adam", hidden_dropout=0.5, weight_decay=0.1),
    settings("levenberg_marquardt"),
    settings("momentum", momentum={"schedule": "gradient_norm", "start": 0.5, "end": 0.9}),
    settings("rmsprop", emphasis={"scheme": "focal", "focus": 2.0}, ensemble=ENSEMBLE),
]


@pytest.mark.parametrize("chosen", few(ORDERED))
def test_any_order_can_be_measured_and_is_left_as_it_was(chosen):
    one = order(trial(0, SMALL, chosen, epochs=1))
    worker = LaneWorker(width=best_width, turn_seconds=math.inf, device=CPU)
    assert worker.turn(Turn((one,))).slots in {2**n for n in range(10)}
    reply = worker.turn(Turn())
    wanted = LaneWorker(width=7, turn_seconds=math.inf, device=CPU).turn(Turn((one,)))
    assert (reply.reports, reply.results) == (wanted.reports, wanted.results)


@pytest.mark.thorough
def test_the_width_is_measured_with_the_first_order_that_can_be_trained(tmp_path):
    """A net that is no chain of layers has no curvature, which the first two orders ask for."""
    (tmp_path / "cats.py").write_text(FILE)
    of = replace(work(), task={"name": "cats.py:Cats"}, model={"name": "task"})
    chosen = [settings("levenberg_marquardt"), settings("levenberg_marquardt"), settings("sgd"), settings("adam")]
    orders = [order(trial(n, of, one, epochs=1)) for n, one in enumerate(chosen)]
    measured = []

    def width_of(objective, one):
        measured.append(one)
        return best_width(objective, one)

    worker = LaneWorker(tmp_path, width_of, turn_seconds=math.inf, device=CPU)
    failed = worker.turn(Turn(tuple(orders[:2])))
    assert failed.slots is None
    replies = [worker.turn(Turn(tuple(orders))), worker.turn(Turn())]
    results = [result for reply in replies for result in reply.results]
    outcomes = {result.trial.number: result.outcome for result in results}
    assert outcomes == {0: Outcome.FAILED, 1: Outcome.FAILED, 2: Outcome.COMPLETE, 3: Outcome.COMPLETE}
    assert tuple(results[:2]) == failed.results
    assert measured == [*orders[:2], *orders[:3]]


def test_rehearsing_leaves_the_clocks_alone():
    program = objective(SMALL)
    slot = Slot.start(order(trial(0, SMALL, settings("adam"))), program)
    pack = Pack(program)
    pack.seat([slot])
    pack.rehearse(3)
    assert (slot.epoch, float(slot.tensors["step"])) == (0, 0)
