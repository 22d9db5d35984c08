"""A pack whose epoch does not fit into memory goes on with half as many slots, to the same numbers."""

import pytest
import torch

from slalom.wire.trial import Outcome, Turn
from slalom_worker.lane.device import out_of_memory
from slalom_worker.lane.worker import LaneWorker
from slalom_worker.training.pack import Pack
from tests.workers.trials import order, settings, trial, work

ORDERS = tuple(order(trial(number, work("mixture", hidden=(4,)), settings("sgd"), epochs=3)) for number in range(6))


def ended(monkeypatch, fits, error):
    """All trials, in packs that raise where they have more slots than fit, once an epoch is trained."""
    advance, told = Pack.advance, []

    def starved(pack):
        if len(pack.slots) > fits and pack.steps:
            raise error
        advance(pack)

    monkeypatch.setattr(Pack, "advance", starved)
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
        f"a pack of {width} trials did not fit into memory: it goes on with half of them at once" for width in (6, 3)
    ]


def test_one_trial_that_does_not_fit_is_an_error_as_any_other(monkeypatch):
    with pytest.raises(MemoryError):
        ended(monkeypatch, 0, MemoryError())


def test_other_errors_are_not_of_memory():
    assert not out_of_memory(RuntimeError("shapes differ"))
    assert not out_of_memory(ValueError("can't allocate memory"))
