"""A pack whose epoch does not fit into memory goes on with half as many slots, to the same numbers."""

import math

import pytest
import torch

from slalom.wire.trial import Outcome, Turn
from slalom_worker.lane.device import out_of_memory
from slalom_worker.lane.worker import LaneWorker
from slalom_worker.training.pack import Pack
from tests.workers.trials import order, settings, trial, work

ORDERS = tuple(order(trial(number, work("mixture", hidden=(4,)), settings("sgd"), epochs=3)) for number in range(6))


def starve(monkeypatch, fits, error):
    """Packs raise where they have more slots than fit, once an epoch is trained."""
    advance = Pack.advance

    def starved(pack):
        if len(pack.slots) > fits and pack.steps:
            raise error
        advance(pack)

    monkeypatch.setattr(Pack, "advance", starved)


def ended(monkeypatch, fits, error):
    """All trials, in packs that are starved."""
    told = []
    starve(monkeypatch, fits, error)
    worker, found, turn = LaneWorker(width=6, turn_seconds=0.05), {}, Turn(ORDERS)
    for _ in range(200):
        reply = worker.turn(turn)
        told += reply.told
        found |= {result.trial: result for result in reply.results}
        if len(found) == len(ORDERS):
            return found, told, reply.slots
        turn = Turn()
    raise AssertionError(f"{len(found)} of {len(ORDERS)} ended")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_a_pack_that_does_not_fit_shrinks_and_its_trials_come_to_the_same(error, monkeypatch):
    whole, silence, _ = ended(monkeypatch, 6, error)
    found, told, slots = ended(monkeypatch, 2, error)
    assert silence == []
    assert found == whole
    assert {result.outcome for result in found.values()} == {Outcome.COMPLETE}
    assert slots == 1
    assert told == [
        f"a pack of {width} nets did not fit into memory: it goes on with half of them at once" for width in (6, 3)
    ]


def test_the_nets_of_an_ensemble_count_each(monkeypatch):
    starve(monkeypatch, 2, MemoryError())
    bagged = settings("sgd", ensemble={"combine": "mean", "members": 2, "bagging": True})
    of = work("mixture", hidden=(4,))
    worker = LaneWorker(width=6, turn_seconds=math.inf)
    orders = tuple(order(trial(number, of, bagged, epochs=3)) for number in range(3))
    assert worker.turn(Turn(orders)).told == (
        "a pack of 6 nets did not fit into memory: it goes on with half of them at once",
    )


def test_a_width_of_the_records_that_no_longer_fits_shrinks_and_says_so_and_stays_so(monkeypatch):
    starve(monkeypatch, 2, MemoryError())
    worker, widths = LaneWorker(turn_seconds=0.0), {ORDERS[0].trial.work.digest: 6}
    replies = [worker.turn(Turn(ORDERS[:5], widths=widths)), worker.turn(Turn()), worker.turn(Turn())]
    replies.append(worker.turn(Turn(ORDERS[5:], widths=widths)))
    assert [reply.slots for reply in replies] == [6, 6, 2, 2]
    assert [len(reply.told) for reply in replies] == [0, 0, 1, 0]
    assert all(reply.widths == {} for reply in replies), "what memory allows today is not what is noted"


def test_one_trial_that_does_not_fit_is_an_error_as_any_other(monkeypatch):
    with pytest.raises(MemoryError):
        ended(monkeypatch, 0, MemoryError())


def test_other_errors_are_not_of_memory():
    assert not out_of_memory(RuntimeError("shapes differ"))
    assert not out_of_memory(ValueError("can't allocate memory"))
